"""What the workflows grant to their jobs."""

from __future__ import annotations

from typing import Any

import yaml

from ship import git


def granted(workflow: str, job: str) -> dict[str, str]:
    """Return a job's permissions, but for that to check out, which act does without GitHub."""
    path = git.TOOL / ".github" / "workflows" / f"{workflow}.yml"
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    permissions = dict(content["jobs"][job]["permissions"])
    del permissions["contents"]
    return permissions
