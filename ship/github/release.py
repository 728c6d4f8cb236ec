"""Make the GitHub release of a tag, once: whole, with its assets, or not at all."""

from __future__ import annotations

import re
from pathlib import Path

from ship.command import attempt
from ship.errors import StageError
from ship.github.api import GitHub, variable
from ship.tags import VERSION


def release(github: GitHub, assets: Path) -> int:
    """Make a release of the tag that this run is for, with the files in a folder.

    One that is there stays as it is. A draft is what a run left that ended half-way, and is made
    anew. gh shows nothing before all files are there. A pre-release is not the latest; which of the
    others is, GitHub decides by date and version. Raises StageError if gh fails.
    """
    tag = variable("GITHUB_REF_NAME", "v1.2.3")
    for known in list(github.pages("releases")):
        if known["tag_name"] == tag and not known["draft"]:
            print(f"{tag} is released already: {known['html_url']}")
            return 0
        if known["tag_name"] == tag:
            github.send("DELETE", f"releases/{known['id']}")
    version = re.fullmatch(rf"(?:.+-)?v{VERSION.pattern}", tag)
    kind = ["--prerelease", "--latest=false"] if version and version["pre"] else []
    files = map(str, sorted(assets.iterdir()))
    made = attempt(
        "gh", "release", "create", tag, *files, "--verify-tag", "--generate-notes", *kind
    )
    if not made.succeeded:
        raise StageError(f"{tag} must become a release. Got instead from gh: {made.reason}\n"
                         "Run this job again.")  # fmt: skip
    print(f"{tag} is released")
    return 0
