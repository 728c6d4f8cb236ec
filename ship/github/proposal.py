"""Write the body of a pull request that retrains models, from the reports of its runs."""

from __future__ import annotations

from pathlib import Path

from ship.files.bounded import read_file
from ship.github.untrusted import bounded, neutral

REPORT = "report.md"
NOTE = "The reports are longer than a pull request's text may be: this is their beginning.\n\n"


def proposal(reports: Path, body: Path) -> int:
    """Write the reports in a folder to `body`.

    They come from jobs in which models' code ran, so their text is not trusted.
    """
    found = [read_file(file).decode(errors="replace") for file in sorted(reports.rglob(REPORT))]
    body.write_text(bounded(neutral("\n".join(found)), NOTE), encoding="utf-8")
    return 0
