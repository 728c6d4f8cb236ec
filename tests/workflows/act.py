"""Run the repository's workflows with act, as they are, on this machine.

Jobs run on the host, and each checks out a copy of the fork. Actions whose code only GitHub can
serve are replaced by those in `actions/`, and GitHub's API and command line by stand-ins. All else
is real: make, the engine, Trivy, cosign, and the registry.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ship import git
from ship.supply_chain.scan import TOOLS
from tests.support.checkouts.checkout import Checkout
from tests.support.github.fake import REPOSITORY, TOKEN, State

HERE = Path(__file__).parent
CALLED = "octo/images"  # the repository of the tool, where another calls it
USES = re.compile(r"uses: ([\w.-]+/[\w.-]+)(?:/[\w./-]+)?@([0-9a-f]{40})")


@dataclass
class Run:
    """How each job of a run ended, and all that it printed."""

    results: dict[str, str]
    log: str


class Hub(NamedTuple):
    """What a GitHub that stands on this machine has: files, an API, an environment, variables."""

    folder: Path
    state: State
    environment: dict[str, str]
    variables: dict[str, str]


@dataclass
class Act:
    """GitHub, as far as a fork can tell, or a repository that calls the workflows of another."""

    fork: Checkout
    folder: Path
    state: State
    environment: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    tool: Checkout | None = None  # whose workflows the fork calls, if it is no fork of it

    @property
    def artifacts(self) -> Path:
        """The folder of the artifacts of all runs."""
        return self.folder / "artifacts"

    @property
    def releases(self) -> Path:
        """The folder of the releases that were made."""
        return self.folder / "github" / "releases"

    def run(self, name: str, workflow: str, event: dict[str, Any], *options: str) -> Run:
        """Let an event start a workflow; return when every job has ended."""
        shutil.rmtree(self.artifacts, ignore_errors=True)
        self.artifacts.mkdir(parents=True)
        (self.folder / "event.json").write_text(json.dumps(event))
        environment = {
            **self.environment,
            "ARTIFACTS": str(self.artifacts),
            "FORK": str(self.fork.root),
            "GITHUB": str(self.folder / "github"),
            "GITHUB_API_URL": self.state.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "DOCKER_CONFIG": str(self.folder / "docker"),
            **({"TOOL": str(self.tool.root)} if self.tool else {}),
        }
        command = [
            "act", name, "--workflows", f".github/workflows/{workflow}", "--json",
            "--eventpath", str(self.folder / "event.json"), "--no-cache-server",
            "--action-cache-path", str(self.folder / "act"), "--use-gitignore=false",
            "--platform", "ubuntu-24.04=-self-hosted", "--secret", f"GITHUB_TOKEN={TOKEN}",
            *(f"--local-repository={used}={folder}" for used, folder in self.stand_ins().items()),
            *(f"--env={name}={value}" for name, value in environment.items()),
            *(f"--var={name}={value}" for name, value in self.variables.items()), *options,
        ]  # fmt: skip
        path = f"{HERE / 'bin'}:{git.TOOL / '.venv/bin'}:{TOOLS}:{os.environ['PATH']}"
        result = subprocess.run(
            command, cwd=self.work(), capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": path},
        )  # fmt: skip
        (self.folder / "act.log").write_text(result.stdout + result.stderr)
        return Run(results(result.stdout), result.stdout + result.stderr)

    def work(self) -> Path:
        """Return the folder that act reads the workflows from.

        To act, `./` is there; to GitHub it is the repository of the workflow that says it.
        """
        if self.tool is None:
            return self.fork.root
        folder = self.folder / "work"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.fork.root, folder, symlinks=True)
        for file in (self.tool.root / ".github/workflows").glob("*.yml"):
            if not (copy := folder / ".github/workflows" / file.name).exists():
                shutil.copyfile(file, copy)
        return folder

    def stand_ins(self) -> dict[str, Path]:
        """Return the folder that stands for each action and tool, at the commit that is named."""
        workflows = [self.fork.root / ".github/workflows"]
        if self.tool:
            workflows.append(self.tool.root / ".github/workflows")
        used = {
            use
            for folder in workflows
            for file in folder.glob("*.yml")
            for use in USES.findall(file.read_text())
        }
        return {f"{name}@{sha}": HERE / "actions" / name for name, sha in used} | {
            f"{name}@{sha}": self.tool.root for name, sha in used
            if self.tool and name == CALLED
        }  # fmt: skip


def results(log: str) -> dict[str, str]:
    """Return the result of every job by its name, out of act's lines of JSON."""
    by_job = {}
    for line in log.splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if "jobResult" in entry:
            by_job[entry["job"].strip()] = entry["jobResult"]  # act pads names to one width
    return by_job
