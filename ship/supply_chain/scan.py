"""Scan an image and the Dockerfile with Trivy: a report, also as SARIF, a gate, and two SBOMs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ship import command, git
from ship.build.workspace import CYCLONEDX, SARIF, SCAN, SCANS, SPDX, Workspace
from ship.errors import StageError
from ship.files import digest
from ship.files.replace import remove
from ship.host.progress import progress
from ship.registry.layout import Layout
from ship.registry.oci_archive import Archive

TOOLS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "model-images", "bin")
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN")
GATED = ("CRITICAL", "HIGH")
SBOMS = {"spdx-json": SPDX, "cyclonedx": CYCLONEDX}  # by their names at Trivy
CONFIGURATION = ("trivy.yaml", "trivy-secret.yaml", ".trivyignore", ".trivyignore.yaml")
DATABASE_HERE = ("--skip-db-update", "--skip-java-db-update", "--offline-scan")
NO_DATABASE = (
    "scan: !!! the vulnerability database cannot be reached: vulnerabilities were NOT checked, "
    "only secrets and misconfiguration"
)


@dataclass(frozen=True)
class Findings:
    """What the scan found, and whether it could look for vulnerabilities."""

    counts: dict[str, int]
    blocking: list[str]
    database: bool

    def __str__(self) -> str:
        counts = ", ".join(f"{n} {severity.lower()}" for severity, n in self.counts.items() if n)
        return (counts or "none") + ("" if self.database else " (no vulnerability database)")


@contextmanager
def trivy_in_background() -> Iterator[Callable[[], None]]:
    """Make Trivy, if it is not here, while the `with` block runs; yield what waits for it.

    The function that is yielded raises StageError if Trivy could not be made. What is not finished
    at the end of the block is stopped.
    """
    if shutil.which("trivy", path=search_path()):
        yield lambda: None
        return
    making = command.Background(git.TOOL / "ship/engine.sh", "trivy", line=show_making)

    def wait() -> None:
        """Wait until Trivy is there; raise StageError if it could not be made."""
        with progress("waiting for Trivy"):
            code = making.wait()
        if code:
            raise StageError("trivy must be on the PATH. Making it failed, as is said above.")

    try:
        yield wait
    finally:
        making.stop()


def show_making(line: str) -> None:
    """Print a line of the making of Trivy at once."""
    sys.stdout.write(f"trivy | {line}")
    sys.stdout.flush()


def search_path() -> str:
    """Return the PATH with the folder of the tools that `make` installs in front."""
    return f"{TOOLS}{os.pathsep}{os.environ['PATH']}"


class Scanner(NamedTuple):
    """What scans: the hash of what a scan depends on, and whether it knows vulnerabilities."""

    hash: str
    has_database: bool


def find_scanner() -> Scanner:
    """Update the vulnerability database, and return what scans with it.

    Raises StageError as `find_database` does.
    """
    database = find_database()
    return Scanner(scanner_hash(), database)


def find_database() -> bool:
    """Update the vulnerability database; print that there is none and return False if it fails.

    Raises StageError in a workflow, as images are published from there.
    """
    if has_database():
        return True
    print(NO_DATABASE, flush=True)
    if "GITHUB_ACTIONS" in os.environ:
        raise StageError(
            "The vulnerability database must be reachable in a workflow. Run the job again, "
            "or set TRIVY_DB_REPOSITORY to a mirror."
        )
    return False


def scanner_hash() -> str:
    """Return the hash of everything besides the image that a scan depends on.

    That is Trivy with its databases, their times and its settings, the Dockerfile, and this module.
    """
    settings = sorted(f"{name}={value}" for name, value in os.environ.items()
                      if name.startswith("TRIVY_"))  # fmt: skip
    files = [git.TOOL / "Dockerfile", Path(__file__), *(git.TOOL / name for name in CONFIGURATION)]
    contents = [digest.of(file.read_bytes()) for file in files if file.is_file()]
    version = run_trivy("version", "--format=json").require_success().stdout
    return hashlib.sha256("\n".join([version, *settings, *contents]).encode()).hexdigest()


def scan(workspace: Workspace, archive: Archive, *, database: bool) -> Findings:
    """Scan an archive and the Dockerfile; raise StageError if a finding blocks publishing."""
    report = workspace.folder / SCAN
    for name in (*SCANS, SARIF):
        remove(workspace.folder / name)  # Trivy would write through a link
    with unpacked(workspace, archive) as layout:
        source = f"--input={relative(layout)}"
        trivy("image", source, f"--scanners={'vuln,secret' if database else 'secret'}",
              "--image-config-scanners=misconfig,secret",
              "--format=json", f"--output={relative(report)}")  # fmt: skip
        for form, name in SBOMS.items():
            trivy(
                "image", source, f"--format={form}", f"--output={relative(workspace.folder / name)}"
            )
    convert_to_sarif(report)
    dockerfile = trivy("config", "--format=json", "Dockerfile")
    findings = judge(json.loads(report.read_bytes()), json.loads(dockerfile), database=database)
    if findings.blocking:
        raise StageError("\n".join(["These must be fixed before publishing:", *findings.blocking,
                                    f"The whole report: {report}"]))  # fmt: skip
    return findings


def convert_to_sarif(report: Path) -> None:
    """Write what a report says as SARIF beside it; raise StageError if that fails."""
    output = f"--output={relative(report.with_name(SARIF))}"
    run_trivy("convert", "--format=sarif", output, relative(report)).require_success()


@contextmanager
def unpacked(workspace: Workspace, archive: Archive) -> Iterator[Path]:
    """Yield the image as a folder of verified blobs, the OCI layout that Trivy reads."""
    layout = workspace.folder / "image"
    remove(layout)
    try:
        Layout(layout).push(archive)
        Layout(layout).tag(archive, "scanned")
        yield layout
    finally:
        shutil.rmtree(layout, ignore_errors=True)


def relative(path: Path) -> str:
    """Return a path as Trivy needs it, which may run in a container on the checkout."""
    return str(path.relative_to(git.TOOL))


def judge(*reports: dict[str, Any], database: bool) -> Findings:
    """Count every finding; block on secrets, and on HIGH and CRITICAL ones that can be mended."""
    counts = dict.fromkeys(SEVERITIES, 0)
    blocking = []
    for result in (result for report in reports for result in report.get("Results") or []):
        for kind in ("Vulnerabilities", "Secrets", "Misconfigurations"):
            for finding in result.get(kind) or []:
                severity = finding["Severity"]
                counts[severity] += 1
                fixable = kind != "Vulnerabilities" or finding.get("FixedVersion")
                if (severity in GATED and fixable) or kind == "Secrets":
                    blocking.append(f"  {severity} {describe(finding, result['Target'])}")
    return Findings(counts, blocking, database)


def describe(finding: dict[str, Any], target: str) -> str:
    """Return a finding as one line."""
    if "VulnerabilityID" in finding:
        return (
            f"{finding['VulnerabilityID']} in {finding['PkgName']} {finding['InstalledVersion']}: "
            f"update to {finding['FixedVersion']}"
        )
    rule = finding.get("RuleID") or finding.get("ID")
    return f"{rule}: {finding['Title']} in {target}"


def has_database() -> bool:
    """Update Trivy's vulnerability database; return whether that succeeded."""
    return run_trivy("image", "--download-db-only").succeeded


def trivy(subcommand: str, *arguments: str) -> str:
    """Run Trivy with the database that is here, fetching nothing; raise StageError if it fails."""
    here = ("--skip-check-update", *(DATABASE_HERE if subcommand == "image" else ()))
    return run_trivy(subcommand, *arguments, *here).require_success().stdout


def run_trivy(*arguments: str) -> command.Result:
    """Run Trivy and return its result."""
    environment = {**os.environ, "PATH": search_path()}
    return command.attempt("trivy", "--quiet", *arguments, folder=git.TOOL,
                           environment=environment)  # fmt: skip
