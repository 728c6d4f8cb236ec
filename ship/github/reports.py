"""Join the reports of the models that a run has judged."""

from __future__ import annotations

from pathlib import Path

from ship.files.bounded import read_file
from ship.github.step_files import add_summary
from ship.github.untrusted import bounded, neutral

REPORT = "report.md"
NOTE = "The reports are longer than a comment may be: this is their beginning.\n\n"


def reports(folder: Path, file: Path) -> int:
    """Write the reports in a folder to `file`, as a comment or a pull request takes them.

    They are added to the run's summary, too. They come from jobs in which models' code ran, so
    their text is not trusted.
    """
    texts = [read_file(report).decode(errors="replace") for report in sorted(folder.rglob(REPORT))]
    text = neutral("\n".join(texts))
    file.write_text(bounded(text, NOTE), encoding="utf-8")
    add_summary(text)
    return 0
