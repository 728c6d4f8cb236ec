"""Copy what the paths name, without the folders that all of it is in, as the real action does.

No second artifact of a name: GitHub refuses it, unless the action is told to overwrite.
"""

import os
import shutil
import sys
from pathlib import Path

patterns = os.environ["PATHS"].split()
matched = [path for pattern in patterns for path in Path().glob(pattern)]
files = [file for path in matched for file in ([path] if path.is_file() else path.rglob("*"))]
if not files:
    print(f"::warning::No files were found with the provided path: {patterns}")
    sys.exit(0)
name = os.environ["NAME"]
if os.environ["ARCHIVE"] == "false":  # then the file gives the artifact its name, and is all of it
    (file,) = files
    name = file.name
folder = Path(os.environ["ARTIFACTS"], name)
if folder.exists():
    raise SystemExit(
        "::error::Failed to CreateArtifact: Received non-retryable error: Failed request: (409) "
        f"Conflict: an artifact with the name {folder.name} already exists on the workflow run"
    )
roots = [path if path.is_dir() else path.parent for path in matched]
root = os.path.commonpath(roots)
for file in files:
    if file.is_file():
        target = folder / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
