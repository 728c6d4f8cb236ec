"""The modules that models share: Python files in folders of MODELS that begin with an underscore.

A model uses the whole of a shared folder whose name stands in one of its own Python files, or in
one of a shared folder that it uses. Code is only searched for the name: whoever plans a build may
not trust it, and a module may be imported in many ways.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import ModelError
from ship import git

NAME = re.compile(rb"\b_\w+")


def used_by(model: str, root: Path) -> dict[str, list[Path]]:
    """Return the files of each shared folder in `root` that a model uses, by its name.

    Raises ModelError for a folder that is a link, which neither git nor a build follows.
    """
    shared: dict[str, list[Path]] = {}
    for file in git.files("_*/*.py", root=root):
        shared.setdefault(file.relative_to(root).parts[0], []).append(file)
    used: dict[str, list[Path]] = {}
    files = git.files(f"{model}/*.py", root=root)
    while files:
        mentioned = names_in(files)
        for path in (root / name for name in sorted(mentioned)):
            if path.is_symlink():
                cure = "Put there what it leads to."
                raise ModelError(path, "a folder of its own", "a link", cure)
        fresh = sorted(mentioned & shared.keys() - used.keys())
        used |= {name: shared[name] for name in fresh}
        files = [file for name in fresh for file in shared[name]]
    return used


def names_in(files: Iterable[Path]) -> set[str]:
    """Return every word of the files that begins with an underscore; links are not read."""
    contents = (file.read_bytes() for file in files if not file.is_symlink())
    return {name.decode() for content in contents for name in NAME.findall(content)}


@contextmanager
def copied(model: str, root: Path) -> Iterator[str]:
    """Yield the path of a folder with the shared modules of a model, "" where it uses none."""
    used = used_by(model, root)
    if not used:
        yield ""
        return
    with tempfile.TemporaryDirectory() as folder:
        for file in (file for files in used.values() for file in files):
            copy = Path(folder, file.relative_to(root))
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy, follow_symlinks=False)
        yield folder
