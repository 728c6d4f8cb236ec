"""The end of the pipeline: a table that a person reads, and the next commands to run.

What it says of a model stands in the files of its workspace; of the run, in times and a failure.
"""

from __future__ import annotations

import json
import os
import shlex

from rich.table import Table
from rich.text import Text

from contract import models
from contract.bundle import read
from judge.comparison.paired import arrow
from ship import tables
from ship.build import base_image
from ship.build.workspace import MEASUREMENT, PUBLISHED, Workspace
from ship.compare.gate import REPORT, decode_report
from ship.compare.measure import decode_measurement
from ship.files.bounded import read_file
from ship.pipeline.publish import read_published
from ship.pipeline.stages import STAGES, Run
from ship.supply_chain import passed_tests
from ship.supply_chain.scan import Findings
from ship.tables import cell

ROWS = ("result", "metric", "gate", "against published", "runtime", "digest",
        "compressed size", "over its base", "findings", "smoke", "tags", "published to",
        *(f"{stage}, seconds" for stage in STAGES))  # fmt: skip
COLUMNS = 4  # models side by side that stay readable in a terminal


def show(runs: list[Run]) -> None:
    """Print what became of every model, what to do about failures, and how to run one image."""
    print()
    for start in range(0, len(runs), COLUMNS):
        tables.show(table(runs[start : start + COLUMNS]))
    for run in runs:
        if run.failed:
            print(failure(run))
    passed = [run for run in runs if not run.failed]
    if passed:
        print(usage(passed[0].workspace))


def table(runs: list[Run]) -> Table:
    """Lay out a column for each model and a row for each thing to know about it."""
    grid = Table(show_lines=False, header_style="bold")
    grid.add_column("", style="dim")
    for run in runs:
        grid.add_column(run.workspace.model, overflow="fold")
    columns = [rows(run) for run in runs]
    for row in columns[0]:
        grid.add_row(row, *(column[row] for column in columns))
    return grid


def rows(run: Run) -> dict[str, Text]:
    """Return the cells of one model; a stage that did not pass leaves its own empty."""
    cells = {f"{stage}, seconds": f"{took:.1f}" for stage, took in run.seconds.items()}
    for stage, describe in CELLS.items():
        if stage in run.seconds and (stage != run.failed or stage in JUDGING):
            cells |= describe(run.workspace)
    return {name: cell(cells.get(name, "")) for name in ROWS} | {"result": result(run)}


def result(run: Run) -> Text:
    return Text(f"FAILED: {run.failed}", "red") if run.failed else Text("passed", "green")


def trained(workspace: Workspace) -> dict[str, str]:
    manifest = workspace.manifest
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


def judged(workspace: Workspace) -> dict[str, str]:
    """Return each metric's difference to the published model's."""
    file = workspace.folder / REPORT
    if not file.exists():
        return {}
    lines = [
        f"{arrow(score.direction)} {score.metric} {score.difference:+.3g}"
        for score in decode_report(read_file(file), file).scores
        if score.difference is not None
    ]
    return {"against published": "\n".join(lines) or "nothing to compare with"}


def measured(workspace: Workspace) -> dict[str, str]:
    """Return each metric's difference to the published model's, and the ratios of the images."""
    file = workspace.folder / MEASUREMENT
    if not file.exists():
        return judged(workspace)
    checks = decode_measurement(read_file(file), file).checks
    lines = [f"{check.name} {check.found}" for check in checks]
    return {"against published": "\n".join([*judged(workspace).values(), *lines])}


def built(workspace: Workspace) -> dict[str, str]:
    archive = workspace.archive
    own = archive.layers[base_image.layers(workspace.python_image) :]
    added = sum(layer["size"] for layer in own)
    return {
        "digest": archive.digest[7:19],
        "compressed size": f"{archive.compressed_size / 1e6:.1f} MB",
        "over its base": f"{added / 1e6:.1f} MB",
    }


def scanned(workspace: Workspace) -> dict[str, str]:
    scan = passed_tests.read(workspace.archive).scan
    return {"findings": str(Findings(scan.counts, [], scan.database))} if scan else {}


def smoked(workspace: Workspace) -> dict[str, str]:
    smoke = passed_tests.read(workspace.archive).smoke
    return {"smoke": f"{smoke.passed} passed"} if smoke else {}


def published(workspace: Workspace) -> dict[str, str]:
    found = read_published(workspace.folder / PUBLISHED)
    return {"tags": " ".join(found.tags), "published to": found.destination}


CELLS = {"train": trained, "gate": judged, "image": built, "measure": measured, "scan": scanned,
         "smoke": smoked, "publish": published}  # fmt: skip
JUDGING = ("gate", "measure")  # these say what they have found where they fail, too


def failure(run: Run) -> str:
    """Name the stage and the model, and the next command to try."""
    model, stage = run.workspace.model, run.failed
    step = f"make {stage} MODEL={model}"
    if stage == "gate":
        folder = os.path.relpath(models.root() / model)
        page = run.workspace.folder / "report.html"
        step = f"open {page}, improve {folder}, and make train gate"
    return f"\n{model} failed in {stage}:\n{run.error}\nNext: {step}\n"


def usage(workspace: Workspace) -> str:
    """Return the two lines that run an image and query it with one of its golden examples."""
    body = json.dumps({"features": read(workspace.bundle).examples[0].features})
    return (
        f"\nRun it:   docker run --rm -p 8080:8080 {workspace.image}\n"
        f"Query it: curl -s localhost:8080/predict --json {shlex.quote(body)}"
    )
