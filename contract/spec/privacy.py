"""What of a model's data leaves the machine that trains: [privacy], and the examples of [serve]."""

from __future__ import annotations

from contract.bundle import Privacy
from contract.spec.toml import Section


def read_privacy(section: Section, serve: Section) -> Privacy:
    """Read the [privacy] table, and `examples` of [serve]; raise ModelError for the first mistake.

    `evaluation`: "registry" keeps the answers to the holdout, without its rows, in a package beside
    the image's, for the next model to be compared with; "none" keeps them nowhere, and the
    published model is asked again. `report`: "aggregates" counts the predictions that changed,
    "rows" shows their rows. `serve.examples`: "synthetic" golden examples, or "real" holdout rows.
    """
    section.only(("evaluation", "report"))
    return Privacy(
        examples=serve.choice("examples", ("synthetic", "real"), "synthetic"),
        evaluation=section.choice("evaluation", ("registry", "none"), "registry"),
        report=section.choice("report", ("aggregates", "rows"), "aggregates"),
    )
