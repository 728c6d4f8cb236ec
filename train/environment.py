"""The environment in which training gives the same bytes, and scores, on every machine of a kind.

Sums in another order differ in their last bits, which is enough for another model. So there is one
thread, and one set of instructions: OpenBLAS and NumPy would choose among theirs by the processor.
The set is x86-64-v3 (AVX2 and FMA), which every server has, and is no slower than what they choose
where there is more. On arm64 it is what every such processor has; its models are other bytes.
"""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from contract.errors import ModelError

INSTRUCTIONS = {
    "x86_64": {
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4,AVX512_ICL,AVX512_SPR",
    },
    "aarch64": {
        "OPENBLAS_CORETYPE": "ARMV8",
        "NPY_DISABLE_CPU_FEATURES": "ASIMDHP,ASIMDFHM,SVE",
    },
}
FIXED = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    **INSTRUCTIONS.get(platform.machine(), {}),
}
NEEDED = {"avx2", "fma"}  # of x86-64: without them OpenBLAS ends with "Illegal instruction"


def repeat_with_fixed_environment() -> None:
    """Start Python again unless FIXED is set, as it is read when Python and NumPy start."""
    if any(os.environ.get(name) != value for name, value in FIXED.items()):
        sys.stdout.flush()
        os.environ.update(FIXED)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this program


def refuse_older_processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> None:
    """Raise ModelError on a processor without the instructions that training is pinned to."""
    if platform.machine() != "x86_64" or not cpuinfo.exists():
        return
    lines = cpuinfo.read_text().splitlines()
    flags = next((line.split() for line in lines if line.startswith("flags")), [])
    if absent := sorted(NEEDED.difference(flags)):
        cure = "Train on a machine that has them, as Intel's have since 2013 and AMD's since 2015."
        raise ModelError("The processor", "one with AVX2 and FMA", f"none of {absent}", cure)
