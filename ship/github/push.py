"""Push what a workflow has written; git does not store the job's token."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from ship import command, git
from ship.errors import ShipError
from ship.github.api import BOT, variable
from ship.github.step_files import set_outputs

EMAIL = "41898282+github-actions[bot]@users.noreply.github.com"  # GitHub's own, for its bot


def push(branch: str, message: str, root: Path, *, anew: bool = False) -> int:
    """Commit the changes, if there are any, and push the commit as `branch`.

    The commit's sha is an output of the step, so that later jobs use it even if the branch moves.
    `anew` replaces what the branch was. Raises ShipError if the push fails.
    """
    if git.is_dirty(root=root):
        git.git("-c", f"user.name={BOT}", "-c", f"user.email={EMAIL}", "commit", "--quiet",
                "--all", f"--message={message}", root=root)  # fmt: skip
    token = variable("GITHUB_TOKEN", "${{ github.token }}")
    login = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    environment = {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraheader",
        "GIT_CONFIG_VALUE_0": f"AUTHORIZATION: basic {login}",
    }
    target = f"{'+' if anew else ''}HEAD:refs/heads/{branch}"
    pushed = command.attempt("git", "push", "--quiet", "origin", target,
                             folder=root, environment=environment)  # fmt: skip
    if not pushed.succeeded:
        raise ShipError(f"{branch} must be a branch that this job may push to. "
                        f"Got instead from git: {pushed.reason}")  # fmt: skip
    set_outputs(commit=git.git("rev-parse", "HEAD", root=root))
    return 0
