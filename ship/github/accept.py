"""Accept by a label what the gate of a pull request has refused: a commit on its branch.

The label is a button: it has `make accept` write lines into model.toml, which reviewers then see.
What a workflow's own token pushes starts no run, so the run is started again by its own name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contract import models
from contract.names import NAME
from ship import git
from ship.errors import StageError
from ship.files.replace import replace_file
from ship.github.api import GitHub, event
from ship.github.run_results import ZIP_LIMIT, text
from ship.github.step_files import set_outputs

PREFIX, REPORT = "report-", "report.json"


def refused(github: GitHub) -> int:
    """Write the reports that refuse a model of the pull request to dist/, and set their `models`.

    Raises StageError where its newest commit has no such report.
    """
    head = event()["pull_request"]["head"]["sha"]
    judged: dict[str, str] = {}
    workflow = ""
    for run in sorted(runs_of(github, head), key=lambda run: int(run["id"])):
        reports = reports_of(github, run)
        judged |= reports
        workflow = str(run["workflow_id"]) if reports else workflow
    failed = [
        model for model, report in judged.items() if json.loads(report)["verdict"] == "failed"
    ]
    if not failed:
        raise StageError(
            f"The run of {head[:12]} must have refused a model before that can be accepted. It has "
            "not. Wait until it has ended, and set the label again."
        )
    for model in failed:
        write(git.TOOL / "dist" / model / REPORT, judged[model])
    set_outputs(models=" ".join(failed), workflow=workflow)
    return 0


def runs_of(github: GitHub, head: str) -> list[dict[str, Any]]:
    """Return the runs of a commit."""
    return list(github.pages("actions/runs", "workflow_runs", head_sha=head))


def reports_of(github: GitHub, run: dict[str, Any]) -> dict[str, str]:
    """Return the reports of a run by their models, those of this checkout alone."""
    artifacts = github.pages(f"actions/runs/{run['id']}/artifacts", "artifacts")
    known = {f"{PREFIX}{model}": model for model in models.names() if NAME.fullmatch(model)}
    return {
        known[artifact["name"]]: text(
            github.download(f"actions/artifacts/{artifact['id']}/zip", ZIP_LIMIT), REPORT
        )
        for artifact in sorted(artifacts, key=lambda artifact: int(artifact["id"]))
        if artifact["name"] in known and not artifact["expired"]
    }


def write(file: Path, content: str) -> None:
    """Write a report where the gate would have left it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, content.encode())


def start(github: GitHub, workflow: str, branch: str) -> int:
    """Start a workflow on a branch, which its `workflow_dispatch` lets a job's token do."""
    github.send("POST", f"actions/workflows/{workflow}/dispatches", {"ref": branch})
    print(f"{workflow} runs again on {branch}")
    return 0
