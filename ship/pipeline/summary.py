"""The end of the pipeline: a table that a person reads, and the next commands to run."""

from __future__ import annotations

import json
import os
import shlex

from rich.table import Table
from rich.text import Text

from contract import models
from contract.bundle import read
from judge.comparison.paired import arrow
from judge.report import Report
from ship import tables
from ship.build import base_image
from ship.pipeline.stages import STAGES, Outcome
from ship.tables import cell

ROWS = ("result", "metric", "gate", "against published", "runtime", "digest",
        "compressed size", "over its base", "findings", "smoke", "tags", "published to",
        *(f"{stage}, seconds" for stage in STAGES))  # fmt: skip
COLUMNS = 4  # models side by side that stay readable in a terminal


def show(outcomes: list[Outcome]) -> None:
    """Print what became of every model, what to do about failures, and how to run one image."""
    print()
    for start in range(0, len(outcomes), COLUMNS):
        tables.show(table(outcomes[start : start + COLUMNS]))
    for outcome in outcomes:
        if outcome.failed:
            print(failure(outcome))
    passed = [outcome for outcome in outcomes if not outcome.failed]
    if passed:
        print(usage(passed[0]))


def table(outcomes: list[Outcome]) -> Table:
    """Lay out a column for each model and a row for each thing to know about it."""
    grid = Table(show_lines=False, header_style="bold")
    grid.add_column("", style="dim")
    for outcome in outcomes:
        grid.add_column(outcome.build.model, overflow="fold")
    columns = [rows(outcome) for outcome in outcomes]
    for row in columns[0]:
        grid.add_row(row, *(column[row] for column in columns))
    return grid


def rows(outcome: Outcome) -> dict[str, Text]:
    """Return the cells of one model; a stage that was not reached leaves its cells empty."""
    reached = set(outcome.seconds) - {outcome.failed}
    cells: dict[str, str] = {}
    if "train" in reached:
        cells |= model_rows(outcome)
    if outcome.judged:
        cells["against published"] = against(outcome.judged.report)
    if "image" in reached:
        cells |= image_rows(outcome)
    cells["findings"] = str(outcome.findings or "")
    cells["smoke"] = outcome.smoke
    cells["tags"] = " ".join(tag.name for tag in outcome.tags)
    cells["published to"] = outcome.destination
    cells |= {f"{stage}, seconds": f"{took:.1f}" for stage, took in outcome.seconds.items()}
    return {name: cell(cells.get(name, "")) for name in ROWS} | {"result": result(outcome)}


def result(outcome: Outcome) -> Text:
    return Text(f"FAILED: {outcome.failed}", "red") if outcome.failed else Text("passed", "green")


def model_rows(outcome: Outcome) -> dict[str, str]:
    manifest = outcome.build.manifest
    signs = {"min": "≥", "max": "≤"}
    claimed = " (claimed)" if manifest.evaluation == "claimed" else ""
    return {
        "metric": "\n".join(f"{c.metric} {c.measured}{claimed}" for c in manifest.gate.checks),
        "gate": "\n".join(
            f"{'passed' if c.passed else 'FAILED'} ({signs[c.bound]} {c.threshold:g})"
            for c in manifest.gate.checks
        ),
        "runtime": manifest.runtime,
    }


def against(report: Report) -> str:
    """Return each metric's difference to the published model's, and the image's ratios."""
    lines = [
        f"{arrow(score.direction)} {score.metric} {score.difference:+.3g}"
        for score in report.scores
        if score.difference is not None
    ]
    lines += [f"{check.name} {check.found}" for check in report.checks if "image" in check.rule]
    return "\n".join(lines) or "nothing to compare with"


def image_rows(outcome: Outcome) -> dict[str, str]:
    archive = outcome.build.archive
    own = archive.layers[base_image.layers(outcome.build.python_image) :]
    added = sum(layer["size"] for layer in own)
    return {
        "digest": archive.digest[7:19],
        "compressed size": f"{archive.compressed_size / 1e6:.1f} MB",
        "over its base": f"{added / 1e6:.1f} MB",
    }


def failure(outcome: Outcome) -> str:
    """Name the stage and the model, and the next command to try."""
    model, stage = outcome.build.model, outcome.failed
    step = f"make {stage} MODEL={model}"
    if stage == "gate":
        folder = os.path.relpath(models.root() / model)
        step = f"open {outcome.build.bundle}/report.html, improve {folder}, and make train gate"
    return f"\n{model} failed in {stage}:\n{outcome.error}\nNext: {step}\n"


def usage(outcome: Outcome) -> str:
    """Return the two lines that run an image and query it with one of its golden examples."""
    body = json.dumps({"features": read(outcome.build.bundle).examples[0].features})
    return (
        f"\nRun it:   docker run --rm -p 8080:8080 {outcome.build.image}\n"
        f"Query it: curl -s localhost:8080/predict --json {shlex.quote(body)}"
    )
