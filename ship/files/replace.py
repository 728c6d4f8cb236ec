"""Replace a file or folder as a whole, without writing through what has its name.

A stranger may have left links in dist/. A rename replaces a link, and leaves what it leads to
alone.
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
    """Write a file as a whole, or leave the old one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}")
    partial.unlink(missing_ok=True)
    with partial.open("xb") as opened:
        opened.write(content)
    partial.rename(file)


def remove(path: Path) -> None:
    """Remove what has this name, if anything; of a link, only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def new_file(file: Path) -> TextIO:
    """Open a new file for text that is written line by line, such as a log."""
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
