"""Write a repository of models that calls this tool's workflows, as `starter/` shows one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from contract.names import suggest_name
from ship import command, git
from ship.errors import StageError, UsageError

STARTER = "starter"  # in the tool's checkout
MODELS = "model"
# What stands in its files for the tool: where it is, at which commit, and which release that is.
REPOSITORY, COMMIT, VERSION = "OWNER/model-images", "0" * 40, "v0.0.0"
GITHUB = "https://github.com/"
NEXT = """\
Next, in {folder}:
  git add --all && git commit --message "Add the first model"
  make -C {tool} pipeline MODELS=$PWD/{models}  # what GitHub will do, here
  gh repo create --private --source . --push  # or push it to a repository that you have"""


class Pin(NamedTuple):
    """The tool as a workflow names it: OWNER/NAME, a commit, and the release of that commit."""

    repository: str
    commit: str
    version: str


def starter(environ: Mapping[str, str] = os.environ) -> int:
    """Write the repository DIR, whose first model predicts TARGET of the table CSV, if given.

    The model is called NAME, or after the table. Raises UsageError for settings that do not fit
    together and for a DIR with something in it, StageError where the tool has no place on GitHub.
    """
    folder = Path(environ.get("DIR") or refuse("DIR must be the folder to write. Got none."))
    table, target = environ.get("CSV", ""), environ.get("TARGET", "")
    if bool(table) != bool(target):
        refuse("CSV and TARGET must go together: a table, and its column to predict. Got one.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        refuse(f"DIR must be absent or an empty folder. Got {str(folder)!a} instead.")
    pinned = pin(git.TOOL)
    write(folder, pinned, sample=not table)
    if table:
        stem = Path(table).name.partition(".")[0]
        add_model(folder, environ.get("NAME") or suggest_name(stem), table, target)
    git.git("init", "--quiet", "--initial-branch=main", root=folder)
    print(f"Wrote {folder}; it calls {pinned.repository}@{pinned.commit} # {pinned.version}")
    print(NEXT.format(folder=folder, tool=git.TOOL, models=MODELS))
    return 0


def refuse(message: str) -> str:
    """Raise UsageError with a message and an example."""
    raise UsageError(f"{message} Example: make starter DIR=../wine CSV=wine.csv TARGET=quality")


def pin(tool: Path) -> Pin:
    """Return how workflows name the checkout of the tool.

    Raises StageError where its commit is on no branch or tag of a repository on GitHub.
    """
    address = git.origin(tool) or ""
    shared = ("refs/remotes/origin", "refs/tags")
    pushed = git.git("for-each-ref", "--contains=HEAD", *shared, root=tool)
    if not address.startswith(GITHUB) or not pushed:
        raise StageError(
            "The commit of the tool must be on GitHub, from where its workflows are called. Got "
            f"{address or 'a checkout without an origin'}, and a commit that "
            f"{'is' if pushed else 'is not'} pushed. Clone the tool from GitHub, or push it there."
        )
    releases = git.tags("v*", "--points-at=HEAD", root=tool)
    commit = git.git("rev-parse", "HEAD", root=tool)
    return Pin(address.removeprefix(GITHUB), commit, releases[-1] if releases else "main")


def write(folder: Path, pinned: Pin, *, sample: bool) -> None:
    """Write the files of the starter, its sample model only where `sample` is set."""
    source = git.TOOL / STARTER
    for file in git.files(source, root=git.TOOL):
        name = file.relative_to(source)
        if sample or name.parts[0] != MODELS:
            content = file.read_text(encoding="utf-8")
            for old, new in zip((REPOSITORY, COMMIT, VERSION), pinned, strict=True):
                content = content.replace(old, new)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")


def add_model(folder: Path, name: str, table: str, target: str) -> None:
    """Write the first model; where that fails, remove the folder and raise StageError."""
    root = folder / MODELS
    root.mkdir()
    program = (sys.executable, "-m", "train.new_model", name, str(Path(table).resolve()), target)
    code = command.follow(*program, "--models", root, line=show, folder=git.TOOL)
    if code:
        shutil.rmtree(folder)
        raise StageError(f"No model could be made of {table!a}; see above. {folder} was removed.")


def show(line: str) -> None:
    """Print a line of another program."""
    print(line, end="", flush=True)
