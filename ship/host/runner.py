"""The machine that a workflow's job runs on."""

from __future__ import annotations

import os


def is_hosted() -> bool:
    """Return whether this is one of GitHub's machines: it reaches all, and is gone after the job.

    The runner sets RUNNER_ENVIRONMENT in every job:
    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    """
    return os.environ.get("RUNNER_ENVIRONMENT") == "github-hosted"
