"""Which image passed which test, written down beside it: nothing else may be published."""

from __future__ import annotations

import json
from pathlib import Path

from ship.errors import StageError
from ship.oci import Archive

FILE = "tested.json"
REQUIRED = ("scan", "smoke")


def read(folder: Path) -> dict[str, str]:
    """Return which digest passed which test, and which tests those were."""
    file = folder / FILE
    passed: dict[str, str] = json.loads(file.read_bytes()) if file.exists() else {}
    return passed


def record(folder: Path, **facts: str) -> None:
    (folder / FILE).write_text(json.dumps({**read(folder), **facts}, indent=2) + "\n")


def refuse_untested(archive: Archive, model: str) -> None:
    """Raise StageError for an image that has not passed every test in these very bytes."""
    for test in REQUIRED:
        if read(archive.path.parent).get(test) != archive.digest:
            raise StageError(
                f"{archive.path} must have passed its {test}. "
                f"It has not; run: make {test} MODEL={model}"
            )
