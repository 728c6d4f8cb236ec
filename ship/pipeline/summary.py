"""The end of the pipeline: a table of the models, and the next commands to run.

Facts about a model come from the files of its workspace, times and failures from the run.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from contract import models
from contract.bundle import read
from judge.render.sentences import arrow, worded
from ship.build import base_image
from ship.build.workspace import MEASUREMENT, PUBLISHED, Workspace
from ship.compare.gate_report import REPORT, read_report
from ship.compare.measure import read_measurement
from ship.host import tables
from ship.host.tables import cell
from ship.pipeline.publish import read_published
from ship.pipeline.stages import STAGES, Run
from ship.supply_chain import passed_tests
from ship.supply_chain.scan import Findings
from ship.tags import for_people

ROWS = ("result", "metric", "gate", "against published", "runtime", "digest",
        "compressed size", "over its base", "findings", "smoke", "tags", "published to",
        *(f"{stage}, seconds" for stage in STAGES))  # fmt: skip
SIGNS, VERDICTS = {"min": "≥", "max": "≤"}, {True: "passed", False: "FAILED"}
CLAIMED = {"measured": "", "claimed": " (claimed)"}
COLUMNS = 4  # models side by side that stay readable in a terminal


def show(runs: list[Run]) -> None:
    """Print the table, what to do about failures, and how to run one image."""
    print()
    for start in range(0, len(runs), COLUMNS):
        tables.show(table(runs[start : start + COLUMNS]))
    for run in runs:
        if run.failed:
            print(failure(run))
    for run in [run for run in runs if not run.failed][:1]:
        print(usage(run.workspace))


def table(runs: list[Run]) -> Table:
    """Return a table with a column for each model and a row for each fact."""
    grid = Table(header_style="bold")
    grid.add_column("", style="dim")
    for run in runs:
        grid.add_column(run.workspace.model, overflow="fold")
    columns = [rows(run) for run in runs]
    for row in columns[0]:
        grid.add_row(row, *(column[row] for column in columns))
    return grid


def rows(run: Run) -> dict[str, Text]:
    """Return the cells of one model; a stage that did not pass leaves its own empty."""
    workspace, passed = run.workspace, set(run.seconds) - {run.failed}
    cells = {f"{stage}, seconds": f"{took:.1f}" for stage, took in run.seconds.items()}
    if "train" in passed:
        cells |= model_rows(workspace)
    cells["against published"] = "\n".join(against(run))
    if "image" in passed:
        cells |= image_rows(workspace)
        record = passed_tests.read(workspace.archive)
        if "scan" in passed and record.scan:
            cells["findings"] = str(Findings(record.scan.counts, [], record.scan.database))
        if "smoke" in passed and record.smoke:
            cells["smoke"] = f"{record.smoke.passed} passed"
    if "publish" in passed:
        published = read_published(workspace.folder / PUBLISHED)
        cells |= {
            "tags": " ".join(for_people(published.tags)),
            "published to": published.destination,
        }
    result = Text(f"FAILED: {run.failed}", "red") if run.failed else Text("passed", "green")
    return {name: cell(cells.get(name, "")) for name in ROWS} | {"result": result}


def model_rows(workspace: Workspace) -> dict[str, str]:
    """Return the gate's metrics, their thresholds, and the runtime."""
    manifest = workspace.manifest
    checks, claimed = manifest.gate.checks, CLAIMED[manifest.evaluation]
    verdicts = [f"{VERDICTS[c.passed]} ({SIGNS[c.bound]} {c.threshold:g})" for c in checks]
    return {
        "metric": "\n".join(f"{c.metric} {c.measured}{claimed}" for c in checks),
        "gate": "\n".join(verdicts),
        "runtime": manifest.runtime,
    }


def against(run: Run) -> Iterator[str]:
    """Yield each metric's difference to the published model's, and the images' ratios.

    Gate and measure leave what they found where they fail, too.
    """
    report, measurement = (run.workspace.folder / name for name in (REPORT, MEASUREMENT))
    if "gate" in run.seconds and report.exists():
        compared = [score for score in read_report(report).scores if score.difference is not None]
        if not compared:
            yield "nothing to compare with"
        for score in compared:
            yield f"{arrow(score.direction)} {score.metric} {score.difference:+.3g}"
    if "measure" in run.seconds and measurement.exists():
        for check in map(worded, read_measurement(measurement).checks):
            yield f"{check.what} {check.found}"


def image_rows(workspace: Workspace) -> dict[str, str]:
    """Return the digest and the sizes of the image."""
    archive = workspace.archive
    added = sum(layer["size"] for layer in base_image.own_layers(archive))
    return {
        "digest": archive.digest[7:19],
        "compressed size": f"{archive.compressed_size / 1e6:.1f} MB",
        "over its base": f"{added / 1e6:.1f} MB",
    }


def failure(run: Run) -> str:
    """Return which stage failed for the model, why, and the next command to try."""
    model, stage = run.workspace.model, run.failed
    step = f"make {stage} MODEL={model}"
    if stage == "gate":
        folder = os.path.relpath(models.root() / model)
        page = run.workspace.folder / "report.html"
        step = f"open {page}, improve {folder}, and make train gate"
    return f"\n{model} failed in {stage}:\n{run.error}\nNext: {step}\n"


def usage(workspace: Workspace) -> str:
    """Return the two commands that run an image and ask it one of its golden examples."""
    body = json.dumps({"features": read(workspace.bundle).examples[0].features})
    return (
        f"\nRun it:   docker run --rm -p 8080:8080 {workspace.image}\n"
        f"Query it: curl -s localhost:8080/predict --json {shlex.quote(body)}"
    )
