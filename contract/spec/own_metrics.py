"""Which metrics a model's own metrics.py defines; its text is searched for them, and never run."""

from __future__ import annotations

import re
from pathlib import Path

from contract.bundle import BundleError, read_file
from contract.errors import ModelError
from contract.evaluation.metrics import METRICS
from contract.models import METRICS as FILE

DEFINED = re.compile(rb"^def ([A-Za-z][A-Za-z0-9_]{0,59})\(", re.MULTILINE)
LARGEST = 1024**2  # bytes
RESERVED = ("segments", "image")  # tables of [gate]


def defined(folder: Path) -> list[str]:
    """Return the names of the public functions in metrics.py of a model's folder.

    Raises ModelError for a file that is none, and for the name of another metric.
    """
    file = folder / FILE
    try:
        content = read_file(file, LARGEST)
    except FileNotFoundError:
        return []
    except (BundleError, OSError) as error:
        cure = "Put a Python file there."
        raise ModelError(file, f"a regular file of at most {LARGEST} bytes", error, cure) from error
    names = [name.decode() for name in DEFINED.findall(content)]
    if taken := sorted({*names} & {*METRICS, *RESERVED}):
        cure = "Rename it."
        raise ModelError(f"{file}: {taken[0]}", "a name of its own", "one that is taken", cure)
    return list(dict.fromkeys(names))
