"""A git repository that a test may spoil."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Checkout:
    """A git repository in a folder of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.models = root / "model"
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.com")

    def git(self, *arguments: str) -> str:
        """Run git, which must succeed; return what it prints."""
        result = subprocess.run(
            ["git", *arguments], cwd=self.root, capture_output=True, text=True, check=True
        )
        return result.stdout.strip()

    def commit(self, **files: str) -> str:
        """Write files (`__` in a name stands for `/`, `_dot_` for `.`), commit, return the sha."""
        for name, content in files.items():
            path = self.root / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Change")
        return self.git("rev-parse", "HEAD")

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text that must be in a file."""
        content = (self.root / file).read_text()
        assert old in content
        (self.root / file).write_text(content.replace(old, new))
