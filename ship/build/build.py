"""Train a bundle with BuildKit, and build the image around it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import tempfile
from pathlib import Path
from typing import TextIO

from contract import models, packages
from contract.bundle import MANIFEST, read_file, refuse_others
from contract.console import printable
from contract.errors import ModelError
from contract.spec import model_toml
from ship import command, git
from ship.build import shared_modules
from ship.build.bundle_intake import take
from ship.build.model_lock import TOOLS_LOCKS
from ship.build.workspace import Workspace
from ship.errors import ShipError, StageError
from ship.files.replace import new_file, replace_file
from ship.host import data_secrets, pip_secrets
from ship.registry.labels import EVALUATION, INPUTS, METRIC, MODEL, OCI, OURS, REVISION, VERSION

BUILDER = "model-images"  # made by engine.sh where the engine itself cannot export OCI archives
STEP = (
    re.compile(  # of one target, or of several: #7 [stage 1/2] RUN …, #7 [target stage 1/2] RUN …
        r"#\d+ \[([a-z-]+ )?(?P<stage>[a-z-]+) +\d+/\d+\] (?P<instruction>(RUN|COPY) .*)"
    )
)
CACHED = re.compile(r"#\d+ CACHED")
OPTIONS = re.compile(r" +(--mount=\S+ +)*")
OUTPUT = re.compile(r"#(?P<step>\d+) \d+\.\d+ (?P<line>.*)")


def train(
    workspace: Workspace, *, beside: str = "", cache: bool = True, export: Path | None = None
) -> None:
    """Train in the pinned builder stage, judge there, and bring the bundle to `dist`.

    `beside` is a target that is built at the same time, for what comes next.

    `export` is a folder with an exported model and its claims, in place of training. What comes out
    of the build is copied file by file: BuildKit exports all bundles of a commit with one time, and
    takes a file of equal time and size for one that it was sent before.
    """
    inputs = workspace.plan.bundle
    refuse_other_lock(workspace)
    warn_of_ignored_data(workspace)
    workspace.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.folder, prefix=".built-") as out:
        variables = {
            "REVISION": inputs.revision,
            "VERSION": inputs.version,
            "SOURCE_DATE_EPOCH": str(inputs.epoch),
            "OUT": out,
            "EXPORT": str(export or ""),
            **kept_layers(),
        }
        bake(workspace, "bundle", variables, *filter(None, [beside]), cache=cache)
        take(Path(out, "bundle"), workspace.bundle)


def refuse_other_lock(workspace: Workspace) -> None:
    """Raise StageError for a lock of the model that is not what it asks for, or not the tool's."""
    shared = [git.TOOL / name for name in TOOLS_LOCKS]
    try:
        packages.check(models.root() / workspace.model, shared)
    except ModelError as error:
        raise StageError(str(error)) from error


def warn_of_ignored_data(workspace: Workspace) -> None:
    """Print a warning where git ignores a model's data, which no other machine will then have."""
    try:
        spec = model_toml.read(workspace.model, data_here=False)
    except ModelError:
        return  # the build says it
    data = spec.folder / spec.data.source
    if data.exists() and git.ignores(data):
        print(
            f"  warning: {data} is left out of git by .gitignore, so that no other machine, and no "
            f"workflow, can train this model. Add it: git add --force {shlex.quote(str(data))}; or "
            "let data.source be an address.",
            flush=True,
        )


def absent_data(workspace: Workspace) -> str:
    """Return why the data of a model cannot be had in the builder, "" where it can."""
    workspace.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.folder, prefix=".reached-") as out:
        bake(workspace, "reached", {"OUT": out}, cache=True)
        reason: str = json.loads(read_file(Path(out, "reach.json")))["absent"]
    return reason


def kept_layers() -> dict[str, str]:
    """Return the variables to read layers from the folder CACHE, or to fill it if it is empty.

    Layers hold rows, so none are kept where these may have come by credentials: whoever opens a
    pull request can read the cache of a workflow.
    """
    folder = os.environ.get("CACHE")
    if not folder or data_secrets.given():
        return {}
    return {"CACHE_FROM" if Path(folder, "index.json").exists() else "CACHE_TO": folder}


def make_image(workspace: Workspace, *, cache: bool = True) -> None:
    """Build the image around the bundle in `dist`, as an OCI archive beside it."""
    inputs, manifest = workspace.plan.image, workspace.manifest
    refuse_others(workspace.bundle, manifest)  # all that lies there goes into the image
    variables = {
        "RUNTIME": manifest.runtime,
        "PACKAGES": " ".join(manifest.packages),
        "SOURCE_DATE_EPOCH": str(inputs.epoch),
        "LABELS": json.dumps(labels(workspace)),
    }
    key = image_key(workspace, variables)
    record = workspace.folder / "image.key"
    if cache and is_built(workspace, record, key):
        print("  unchanged", flush=True)
        return
    record.unlink(missing_ok=True)
    bake(workspace, "image", variables, cache=cache)
    replace_file(record, f"{key} {workspace.archive.digest}".encode())


def is_built(workspace: Workspace, record: Path, key: str) -> bool:
    """Return whether the archive is, byte for byte, what was built from the same inputs."""
    try:
        workspace.archive.verify()
        return record.read_text() == f"{key} {workspace.archive.digest}"
    except (ShipError, OSError):
        return False


def image_key(workspace: Workspace, variables: dict[str, str]) -> str:
    """Return the hash of all that an image follows from."""
    parts = [
        workspace.python_image,
        workspace.plan.image.hash,
        json.dumps(variables, sort_keys=True),
    ]
    content = (workspace.bundle / MANIFEST).read_bytes() + "\n".join(parts).encode()
    return hashlib.sha256(content).hexdigest()


def labels(workspace: Workspace) -> dict[str, str]:
    """Return the image's labels (OCI image spec 1.1, annotations).

    All follow from the inputs, so that equal inputs give an equal digest.
    """
    manifest, inputs = workspace.manifest, workspace.plan.image
    base, _, base_digest = workspace.python_image.partition("@")
    described = {
        f"{OCI}title": workspace.model,
        f"{OCI}description": manifest.description,
        VERSION: manifest.version,
        REVISION: inputs.revision,
        f"{OCI}source": git.origin(models.root()) or "",
        f"{OCI}base.name": base,
        f"{OCI}base.digest": base_digest,
    }
    return {
        **{name: value for name, value in described.items() if value},
        MODEL: workspace.model,
        INPUTS: inputs.hash,
        f"{OURS}tool": inputs.tool,
        f"{OURS}task": manifest.task,
        f"{OURS}runtime": manifest.runtime,
        EVALUATION: manifest.evaluation,
        **{
            f"{METRIC}{name}": f"{value:.6g}"
            for name, value in manifest.metrics.holdout.items()
            if name.isidentifier()  # one of a class has a name that no label can carry
        },
    }


def bake(
    workspace: Workspace, target: str, variables: dict[str, str], *others: str, cache: bool
) -> None:
    """Run a target of docker-bake.hcl, and others with it, at the same time.

    Prints the steps, and writes all output to a log of the target's name.

    Raises StageError if it fails.
    """
    workspace.folder.mkdir(parents=True, exist_ok=True)
    options = [] if cache else ["--no-cache"]
    root = models.root()
    with (
        pip_secrets.build_secrets() as secret_files,
        shared_modules.copied(workspace.model, root) as shared,
    ):
        environment = {
            **os.environ,
            **builder(),
            **variables,
            **secret_files,
            # New versions of bake ask before they read other folders; old ones have no such option.
            "BUILDX_BAKE_ENTITLEMENTS_FS": "0",
            "MODELS": str(root),
            "SHARED": shared,
            "MODEL": workspace.model,
            "DIST": str(workspace.dist),
            "PYTHON_IMAGE": workspace.python_image,
        }
        with new_file(workspace.folder / f"{target}.log") as log:
            progress = BuildOutput(log)
            exit_code = command.follow(
                "docker", "buildx", "bake", "--progress=plain", target, *others, *options,
                line=progress.add, folder=git.TOOL, environment=environment,
            )  # fmt: skip
    if exit_code:
        raise StageError(f"{progress.failure}\nThe whole log: {log.name}")


def builder() -> dict[str, str]:
    """Return the variables that name the builder, where the engine's own cannot export archives."""
    known = command.attempt("docker", "buildx", "inspect", BUILDER)
    if not known.succeeded or "BUILDX_BUILDER" in os.environ:
        return {}
    return {"BUILDX_BUILDER": BUILDER}


class BuildOutput:
    """The output of a build: all of it in a log, its steps and what they print on the terminal."""

    def __init__(self, log: TextIO) -> None:
        self.log = log
        self.output: dict[str, list[str]] = {}  # of each step, by its number
        self.reasons: list[str] = []

    @property
    def failure(self) -> str:
        """The lines that explain why the build failed."""
        return "\n".join(self.reasons)

    def add(self, line: str) -> None:
        """Take the next line of BuildKit's plain progress."""
        text = printable(line).rstrip()
        self.log.write(f"{text}\n")
        if printed := OUTPUT.fullmatch(text):
            self.output.setdefault(printed["step"], []).append(printed["line"])
            print(printable(f"    {printed['line']}"), flush=True)
        elif step := STEP.match(text):
            instruction = OPTIONS.sub(" ", step["instruction"])
            print(f"  {step['stage']}: {instruction[:100]}", flush=True)
        elif CACHED.fullmatch(text):
            print("    cached", flush=True)
        elif " ERROR: " in text:
            step_number = text.partition(" ")[0].removeprefix("#")
            self.reasons += self.output.pop(step_number, [])[-12:] or [text]
        elif text.startswith("ERROR:") and not self.reasons:
            self.reasons.append(text)
