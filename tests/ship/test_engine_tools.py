"""What ship/engine.sh fetches is what was pinned, or it ends; the network here is a stand-in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from ship import git

pytestmark = pytest.mark.slow  # what waits for a program polls
SCRIPT = git.TOOL / "ship/engine.sh"
NEEDED = ("bash", "chmod", "id", "kill", "mkdir", "mv", "sha256sum", "sleep", "uname")
SERVES = """#!/bin/bash
while [ $# -gt 1 ]; do [ "$1" != --output ] || echo another >"$2"; shift; done
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A machine without cosign, in one folder of programs."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in NEEDED:
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def fetch(programs: Path, curl: str) -> subprocess.CompletedProcess[str]:
    """Have cosign there, where `curl` is the network."""
    (programs / "curl").write_text(curl)
    (programs / "curl").chmod(0o755)
    environment = {"PATH": str(programs), "XDG_CACHE_HOME": str(programs.parent / "cache")}
    return subprocess.run(["bash", SCRIPT, "cosign"], env=environment, check=False,
                          capture_output=True, text=True)  # fmt: skip


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="what is pinned is for Linux")
def test_cosign_that_is_another_than_was_pinned_is_not_used(programs: Path) -> None:
    """Whoever can change what is downloaded signs nothing with it."""
    fetched = fetch(programs, SERVES)
    assert fetched.returncode != 0
    assert re.search(r"must have the sha256 [0-9a-f]{64}\. It has another", fetched.stderr)
    assert not (programs.parent / "cache/model-images/bin/cosign").exists()


def test_cosign_that_cannot_be_downloaded_comes_from_a_package(programs: Path) -> None:
    """A machine that does not reach its makers takes the system's, or says what to install."""
    fetched = fetch(programs, "#!/bin/bash\nexit 6\n")
    assert fetched.returncode != 0
    assert "cosign must be on the PATH. Install it with your package manager" in fetched.stderr
