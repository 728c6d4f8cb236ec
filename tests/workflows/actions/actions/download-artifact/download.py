"""Copy one artifact by its name, or those of a pattern: each into a folder, or all into one."""

import os
import shutil
from pathlib import Path

artifacts, target = Path(os.environ["ARTIFACTS"]), Path(os.environ["TARGET"])
name, merge = os.environ["NAME"], os.environ["MERGE"] == "true"
found = [artifacts / name] if name else sorted(artifacts.glob(os.environ["PATTERN"]))
if name and not found[0].is_dir():
    raise SystemExit(
        f"::error::Unable to download artifact(s): Artifact not found for name: {name}"
    )
for artifact in found:
    into = target if name or merge else target / artifact.name
    shutil.copytree(artifact, into, dirs_exist_ok=True)
