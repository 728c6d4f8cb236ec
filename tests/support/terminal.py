"""What pytest prints of containers and builds, which a workflow's runner reads as well."""

from __future__ import annotations

import pytest
from _pytest._code.code import ExceptionChainRepr

from contract.console import printable


def disarm(report: pytest.TestReport) -> None:
    """Leave nothing in a report that a terminal or the runner of a workflow obeys."""
    report.sections = [(title, printable(text)) for title, text in report.sections]
    if isinstance(report.longrepr, ExceptionChainRepr):
        for trace, crash, _ in report.longrepr.chain:
            for entry in trace.reprentries:
                entry.lines = [printable(line) for line in entry.lines]
            if crash:
                crash.message = printable(crash.message)
