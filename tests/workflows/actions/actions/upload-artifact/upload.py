"""Copy what the paths name, without the folders that all of it is in, as the real action does."""

import os
import shutil
import sys
from pathlib import Path

patterns = os.environ["PATHS"].split()
found = [path for pattern in patterns for path in Path().glob(pattern)]
files = [file for path in found for file in ([path] if path.is_file() else path.rglob("*"))]
if not files:
    print(f"::warning::No files were found with the provided path: {patterns}")
    sys.exit(0)
roots = [path if path.is_dir() else path.parent for path in found]
root = os.path.commonpath(roots)
for file in files:
    if file.is_file():
        target = Path(os.environ["ARTIFACTS"], os.environ["NAME"], file.relative_to(root))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
