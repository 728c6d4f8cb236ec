"""The machine that a workflow's job runs on."""

from __future__ import annotations

import json
import os
from pathlib import Path

DEPENDABOT = "dependabot[bot]"


def is_hosted() -> bool:
    """Return whether this is one of GitHub's machines: it reaches all, and is gone after the job.

    The runner sets RUNNER_ENVIRONMENT in every job:
    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    """
    return os.environ.get("RUNNER_ENVIRONMENT") == "github-hosted"


def lacks_secrets() -> bool:
    """Return whether GitHub gives this run neither secrets nor variables of the repository.

    It does so for pull requests of forks, and gives Dependabot's secrets of their own:
    https://docs.github.com/en/actions/reference/security/secure-use
    """
    if os.environ.get("GITHUB_EVENT_NAME") != "pull_request":
        return False
    pull = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_bytes())["pull_request"]
    source = (pull["head"]["repo"] or {}).get("full_name")  # no repository: a fork that is gone
    is_own = source == os.environ.get("GITHUB_REPOSITORY")
    return not is_own or os.environ.get("GITHUB_ACTOR") == DEPENDABOT
