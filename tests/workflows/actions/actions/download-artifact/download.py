"""Copy artifacts as actions/download-artifact 8.0.1 does, by its src/download-artifact.ts.

One that is named, or the only one that a pattern matches, goes straight into the path; several go
into a folder each, or all into the path where they are merged.
"""

import os
import re
import shutil
from pathlib import Path

artifacts, target = Path(os.environ["ARTIFACTS"]), Path(os.environ["TARGET"])
name, merge = os.environ["NAME"], os.environ["MERGE"] == "true"


def matches(artifact: str, pattern: str) -> bool:
    """Match as minimatch does, as far as the workflows ask: text, and `@(one|other)`."""
    parts = re.split(r"(@\([^()]*\))", pattern)
    quoted = [f"(?:{'|'.join(map(re.escape, part[2:-1].split('|')))})" if part.startswith("@(")
              else re.escape(part) for part in parts]  # fmt: skip
    return re.fullmatch("".join(quoted), artifact) is not None


if name:
    chosen = [artifacts / name]
    if not chosen[0].is_dir():
        raise SystemExit(f"::error::Unable to download artifact(s): Artifact '{name}' not found")
else:
    chosen = [artifact for artifact in sorted(artifacts.iterdir())
             if matches(artifact.name, os.environ["PATTERN"])]  # fmt: skip
for artifact in chosen:
    alone = name or merge or len(chosen) == 1
    shutil.copytree(artifact, target if alone else target / artifact.name, dirs_exist_ok=True)
