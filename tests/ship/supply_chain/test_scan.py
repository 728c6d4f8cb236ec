"""What Trivy found, and what of it blocks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ship import git
from ship.build.workspace import SARIF, Workspace
from ship.command import Result
from ship.errors import StageError
from ship.supply_chain import scan as scanning
from ship.supply_chain.scan import find_database, judge, scan, scanner_hash
from tests.support.images.oci_archives import oci_archive
from tests.support.images.trivy_database import Vulnerability, serve_database

UseDatabase = Callable[..., None]
DOCKERFILE = "FROM scratch\nUSER 65532\nHEALTHCHECK NONE\n"


def report(kind: str, **finding: Any) -> dict[str, Any]:
    """Return a Trivy report with one finding."""
    return {"Results": [{"Target": "image", kind: [finding]}]}


def vulnerability(severity: str, fixed: str) -> dict[str, Any]:
    """Return Trivy's report of one vulnerability."""
    return report("Vulnerabilities", Severity=severity, FixedVersion=fixed, PkgName="lib",
                  VulnerabilityID="CVE-1", InstalledVersion="1")  # fmt: skip


def test_judge_blocks_on_a_vulnerability_that_has_a_fix() -> None:
    """A HIGH finding with a fixed version stops the image and says what to update."""
    findings = judge(vulnerability("HIGH", "2"), database=True)
    assert findings.blocking == ["  HIGH CVE-1 in lib 1: update to 2"]


def test_judge_reports_a_vulnerability_without_a_fix() -> None:
    """A CRITICAL finding nobody can fix yet is counted and does not stop the image."""
    findings = judge(vulnerability("CRITICAL", ""), database=True)
    assert (findings.blocking, str(findings)) == ([], "1 critical")


def test_judge_reports_a_minor_vulnerability() -> None:
    """A MEDIUM finding is counted and does not stop the image."""
    assert judge(vulnerability("MEDIUM", "2"), database=True).blocking == []


def test_judge_blocks_on_every_secret() -> None:
    """A secret stops the image whatever its severity."""
    secret = report("Secrets", Severity="LOW", RuleID="private-key", Title="Private key")
    findings = judge(secret, database=True)
    assert findings.blocking == ["  LOW private-key: Private key in image"]


def test_judge_blocks_on_a_serious_misconfiguration() -> None:
    """A HIGH misconfiguration, such as running as root, stops the image."""
    result = report("Misconfigurations", Severity="HIGH", ID="DS-0002", Title="Runs as root")
    assert judge({}, result, database=True).blocking == ["  HIGH DS-0002: Runs as root in image"]


def test_findings_say_when_vulnerabilities_were_not_checked() -> None:
    """Findings of a scan without a database say that vulnerabilities were not checked."""
    assert str(judge({}, database=False)) == "none (no vulnerability database)"


def test_scan_fails_in_a_workflow_that_has_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a workflow, a scan fails if the database cannot be reached."""
    monkeypatch.setattr(scanning, "has_database", lambda: False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(StageError, match="database must be reachable in a workflow"):
        find_database()
    assert "vulnerabilities were NOT checked" in capsys.readouterr().out


def test_scanner_is_another_with_what_a_scan_follows_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another database, setting, list of exceptions or Dockerfile makes another scanner."""
    updated = "2026-11-20"

    def version(*_: str) -> Result:
        return Result(("trivy",), 0, updated.encode(), "")

    monkeypatch.setattr(scanning, "run_trivy", version)
    monkeypatch.setattr(git, "TOOL", tmp_path)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    seen = [scanner_hash(), scanner_hash()]
    updated = "2026-11-21"
    seen.append(scanner_hash())
    monkeypatch.setenv("TRIVY_SEVERITY", "LOW")
    seen.append(scanner_hash())
    (tmp_path / ".trivyignore").write_text("CVE-2099-0001")
    seen.append(scanner_hash())
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    seen.append(scanner_hash())
    assert seen[0] == seen[1]
    assert len(set(seen[1:])) == 5


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An image that holds msgspec 0.22.0 and nothing else, built from a clean Dockerfile."""
    monkeypatch.setattr(git, "TOOL", tmp_path)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    build = Workspace("iris", "python:3.13", tmp_path / "dist")
    build.folder.mkdir(parents=True)
    metadata = b"Metadata-Version: 2.1\nName: msgspec\nVersion: 0.22.0\n"
    files = {"opt/packages/msgspec-0.22.0.dist-info/METADATA": metadata}
    oci_archive(build.folder / "image.tar", files, {})
    return build


@pytest.fixture
def use_database(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> UseDatabase:
    """Have Trivy download a database that knows the given vulnerabilities only."""

    def use(*vulnerabilities: Vulnerability) -> None:
        served = serve_database(registry, vulnerabilities, tmp_path / "cache")
        for name, value in served.items():
            monkeypatch.setenv(name, value)

    return use


@pytest.mark.engine
def test_scan_refuses_an_image_whose_package_has_a_fix(
    build: Workspace, use_database: UseDatabase
) -> None:
    """The refusal names vulnerability, package, version and update; so does what GitHub shows."""
    use_database(Vulnerability("CVE-2099-0001", "msgspec", fixed="0.22.1"))
    with pytest.raises(StageError) as refusal:
        scan(build, build.archive, database=find_database())
    _, line, _ = str(refusal.value).splitlines()
    assert line == "  CRITICAL CVE-2099-0001 in msgspec 0.22.0: update to 0.22.1"
    (sarif,) = json.loads((build.folder / SARIF).read_bytes())["runs"]
    assert [result["ruleId"] for result in sarif["results"]] == ["CVE-2099-0001"]


@pytest.mark.engine
@pytest.mark.nightly
def test_scan_passes_an_image_whose_package_has_no_fix_yet(
    build: Workspace, use_database: UseDatabase
) -> None:
    """A CRITICAL vulnerability that no version fixes is counted and does not stop the image."""
    use_database(Vulnerability("CVE-2099-0002", "msgspec"))
    assert str(scan(build, build.archive, database=find_database())) == "1 critical"


@pytest.mark.engine
@pytest.mark.nightly
def test_scan_passes_an_image_that_is_fixed_already(
    build: Workspace, use_database: UseDatabase
) -> None:
    """A vulnerability of older versions, and one of another package, say nothing of this image."""
    use_database(
        Vulnerability("CVE-2099-0003", "msgspec", fixed="0.22.0"),
        Vulnerability("CVE-2099-0004", "numpy", fixed="99"),
    )
    assert str(scan(build, build.archive, database=find_database())) == "none"


@pytest.mark.nightly
@pytest.mark.engine
def test_scan_says_that_it_looked_for_vulnerabilities(
    build: Workspace, use_database: UseDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a database that knows of none, the image is clean and nobody is warned."""
    use_database()
    findings = scan(build, build.archive, database=find_database())
    assert (str(findings), findings.database, capsys.readouterr().out) == ("none", True, "")


@pytest.mark.engine
def test_scan_fails_in_a_workflow_that_cannot_download_the_database(
    build: Workspace, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a workflow, a scan fails if the registry answers but has no database."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("TRIVY_DB_REPOSITORY", f"{registry}/nothing:2")
    monkeypatch.setenv("TRIVY_CACHE_DIR", str(build.folder / "cache"))
    with pytest.raises(StageError, match="database must be reachable in a workflow"):
        scan(build, build.archive, database=find_database())
