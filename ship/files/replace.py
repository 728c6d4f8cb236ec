"""Put a whole new file or folder where another may be: nothing is written through what lies there.

In dist/ a stranger may have left a link by any name; a rename replaces the link, and leaves what it
leads to alone.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO


def replace_file(file: Path, content: bytes) -> None:
    """Write a whole new file, or leave the old one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    partial.unlink(missing_ok=True)
    with partial.open("xb") as opened:
        opened.write(content)
    partial.rename(file)


def remove(path: Path) -> None:
    """Remove what has this name, if anything: of a link, the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def new_file(file: Path) -> TextIO:
    """Open a new file, for what is written bit by bit, such as a log."""
    file.unlink(missing_ok=True)
    return file.open("x", encoding="utf-8")


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `target`, unless an error is raised first."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        made, replaced = Path(folder, "new"), Path(folder, "old")
        made.mkdir()
        yield made
        if os.path.lexists(target):
            target.rename(replaced)
        made.rename(target)
