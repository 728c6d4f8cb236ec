"""What a training claims about the model that it exported.

The model's code ran where this was written, so all of it is only a claim: its size and form are
checked, and no score rests on it. One claim matters to the gate: that the other fits differ only in
their random seed. Their answers are measured, but that claim cannot be; where they explain a drop,
the gate excuses it, and the report says so.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from contract import bundle
from contract.bundle import CrossValidation, Parity, Runtime
from contract.errors import ModelError
from contract.evaluation.evaluation import Learning
from contract.evaluation.metrics import for_task
from contract.spec.model_toml import ModelSpec

FILE = "claims.json"
LONGEST = 4_000  # characters of a text
MOST = 64 * 1024**2  # bytes of the file
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Claims(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The claims of one training; `seeds` fits with other random seeds are exported beside it."""

    data_sha256: str
    estimator: str
    runtime: Runtime
    runtime_reason: str
    parity: Parity | None
    classes: list[int | str] | None
    cross_validation: dict[str, CrossValidation]
    learning: list[Learning]
    seeds: int
    coded: bool = False  # whether a pickle answers with the places of classes, from 0
    libraries: dict[str, str] = {}  # of the model's own lock, that its training imported
    threshold: float | None = None  # of [serve], where it is "auto" as training has chosen it

    @property
    def model_files(self) -> list[str]:
        """The name of the exported model's file, then those of the fits with other seeds."""
        name = bundle.MODEL_FILES[self.runtime]
        return [name, *(f"seed-{number}-{name}" for number in range(1, self.seeds + 1))]


def write(claims: Claims, models: list[bytes], out: Path) -> None:
    """Write the claims and the exported models, in the order of `model_files`, into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for name, content in zip(claims.model_files, models, strict=True):
        (out / name).write_bytes(content)
    (out / FILE).write_bytes(bundle.encode(claims))


def read(spec: ModelSpec, export: Path) -> Claims:
    """Read the claims.

    Raises ModelError for a file that cannot be read or decoded, for more fits than model.toml asks
    for, and for metrics of another task.
    """
    try:
        claims = msgspec.json.decode(bundle.read_file(export / FILE, MOST), type=Claims)
    except (bundle.BundleError, OSError, msgspec.DecodeError, RecursionError) as error:
        raise fault(spec, "readable claims", error) from error
    if not 0 <= claims.seeds <= spec.seeds:
        raise fault(spec, f"at most {spec.seeds} fits with other seeds", claims.seeds)
    wanted, got = spec.serving.threshold, claims.threshold
    if got != wanted if wanted != "auto" else got is None:
        raise fault(spec, f"a model with serve.threshold {wanted}", got)
    if unknown := sorted({*claims.cross_validation} - {*for_task(spec.task), *spec.gate.asked}):
        raise fault(spec, f"metrics of a {spec.task}", unknown[0])
    claims.estimator, claims.runtime_reason = plain(claims.estimator), plain(claims.runtime_reason)
    return claims


def fault(spec: ModelSpec, expected: str, got: object) -> ModelError:
    """Return the error for something that training exported."""
    cure = "Let estimator.py write nothing itself, and train the model again."
    return ModelError(f"What the training of {spec.name} exported", expected, got, cure)


def plain(text: str) -> str:
    """Return a text on one line, of a bounded length."""
    return CONTROLS.sub(" ", text[:LONGEST]).strip()
