"""Write into model.toml what a person accepts of a report, and remove what is not needed."""

from __future__ import annotations

from pathlib import Path

from contract.bundle import Acceptance
from contract.models import SPEC
from contract.spec import acceptances
from judge.acceptance import IMAGE, accepting, compared, needed, values
from judge.render.sentences import worded
from judge.report import Check, ImageCheck, Report
from ship.build.workspace import MEASUREMENT
from ship.compare.gate_report import REPORT, read_policy, read_report
from ship.compare.measure import read_measurement
from ship.errors import StageError, UsageError
from ship.files.replace import replace_file


def accept(model: str, models: Path, judged: Path, reason: str, who: str) -> list[Acceptance]:
    """Rewrite [accept] of a model by the report in the folder `judged`; return its lines.

    What was accepted before, and still is enough, keeps its reason. Raises StageError for what is
    no comparison with the published model, UsageError for a line without a reason or a name.
    """
    report = read_report(judged / REPORT)
    if report.model != model:
        raise StageError(f"{judged / REPORT} must be on {model}. Got one on {report.model}.")
    version = report.old.version if report.old else None
    before = read_policy(model).accepted
    measured = measured_checks(judged, report)
    failed = [check for check in [*report.checks, *(measured or [])] if not check.passed]
    for check in failed:
        refuse_other(check, version)
    kept = [line for line in before if line.replaces == version and line.what.startswith(IMAGE)]
    lines = [] if measured else kept  # of an image that nobody has measured here
    lines += [
        accepting(check, before, version) or needed([check], version, reason, who)[0]
        for check in failed
    ]
    if not all(line.reason and line.who for line in lines):
        raise UsageError(
            "REASON must say why this is accepted, and WHO by whom. Got none. Write: make accept "
            f"MODEL={model} REASON=… WHO=…"
        )
    write(models / model / SPEC, lines)
    return lines


def measured_checks(judged: Path, report: Report) -> list[ImageCheck] | None:
    """Return the checks of the image that was compared with the report's, None where none was."""
    file = judged / MEASUREMENT
    measurement = read_measurement(file) if file.exists() else None
    against = report.old.digest if report.old else None
    return measurement.checks if measurement and measurement.against == against else None


def refuse_other(check: Check | ImageCheck, version: str | None) -> None:
    """Raise StageError for a failed check that is no comparison with a published version."""
    if version is None or compared(check) is None:
        what = worded(check)
        raise StageError(
            f"{what.what} must be {what.rule}, is {what.found}, and is no comparison with the "
            "published model. Improve the model, or change the rule in [gate]."
        )


def write(file: Path, lines: list[Acceptance]) -> None:
    """Write the lines into a model.toml; raise StageError for one that cannot be written anew."""
    try:
        text = acceptances.written(
            file.read_bytes().decode(), {line.what: values(line) for line in lines}
        )
    except ValueError as error:
        raise StageError(f"{file} must be TOML that can be written anew. {error}") from error
    replace_file(file, text.encode())
