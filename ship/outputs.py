"""What later steps of a workflow's job read, where this runs in one."""

from __future__ import annotations

import os
from pathlib import Path


def set_outputs(**values: str) -> None:
    if file := os.environ.get("GITHUB_OUTPUT"):
        with Path(file).open("a", encoding="utf-8") as outputs:
            outputs.writelines(f"{name}={value}\n" for name, value in values.items())
