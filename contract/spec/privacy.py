"""What of a model's data leaves the machine that trains: [privacy], and the examples of [serve]."""

from __future__ import annotations

from contract.bundle import Privacy
from contract.spec import tables


def read_privacy(privacy: tables.Privacy, serve: tables.Serve) -> Privacy:
    """Return what [privacy] and `examples` of [serve] say; `contract.spec.tables` explains them."""
    return Privacy(examples=serve.examples, evaluation=privacy.evaluation, report=privacy.report)
