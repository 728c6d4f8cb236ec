"""The environment in which training gives the same bytes, and scores, from run to run."""

from __future__ import annotations

import os
import sys

# One thread: sums do not depend on their order, and threads do not wait for each other's cores.
FIXED = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def repeat_with_fixed_environment() -> None:
    """Start Python again unless FIXED is set, as it reads these variables only when it starts."""
    if any(os.environ.get(name) != value for name, value in FIXED.items()):
        sys.stdout.flush()
        os.environ.update(FIXED)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this program
