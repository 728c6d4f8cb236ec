"""Remember which trees the tool's own tests have passed on, so that no later run repeats them.

What counts is everything in the checkout but the models: a pull request that changes these alone,
the merge queue and main have the tree of a run before. A run that passed leaves an artifact named
after the tree. GitHub says which repository the run was of, and one of a fork, whose author may
call an artifact as they like, does not count.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from contract import models
from ship import git
from ship.github.api import GitHub
from ship.github.step_files import tell_outputs

MODELS = models.DEFAULT.name
RECORD = "tool-passed-"  # and the hash: the name of the artifact


def tell_passed(github: GitHub) -> int:
    """Set the name of this tree's record, and whether a run has left it, as outputs of the step."""
    name = f"{RECORD}{tree(git.TOOL)}"
    tell_outputs(record=name, tested=str(is_recorded(github, name)).lower())
    return 0


def tree(root: Path) -> str:
    """Return a hash of what is committed, with its modes, but for the models beside the tool."""
    listed = git.git("ls-tree", "-r", "-z", "HEAD", root=root).split("\0")
    own = [entry for entry in listed if not entry.partition("\t")[2].startswith(f"{MODELS}/")]
    return hashlib.sha256("\0".join(own).encode()).hexdigest()


def is_recorded(github: GitHub, name: str) -> bool:
    """Return whether a run of this repository's own code has left a record."""
    for artifact in github.pages("actions/artifacts", "artifacts", name=name):
        run = artifact["workflow_run"] or {}
        own = run.get("head_repository_id") == run.get("repository_id", 0)
        if artifact["name"] == name and own and not artifact["expired"]:
            return True
    return False
