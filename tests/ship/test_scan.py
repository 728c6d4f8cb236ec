from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ship import scan as scanning
from ship.build import Build
from ship.errors import StageError
from ship.scan import judge, scan


def report(kind: str, **finding: Any) -> dict[str, Any]:
    """Return a Trivy report with one finding."""
    return {"Results": [{"Target": "image", kind: [finding]}]}


def vulnerability(severity: str, fixed: str) -> dict[str, Any]:
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
    found = report("Misconfigurations", Severity="HIGH", ID="DS-0002", Title="Runs as root")
    assert judge({}, found, database=True).blocking == ["  HIGH DS-0002: Runs as root in image"]


def test_findings_say_when_vulnerabilities_were_not_checked() -> None:
    """Nothing found without a database does not read like nothing to find."""
    assert str(judge({}, database=False)) == "none (no vulnerability database)"


def test_scan_fails_in_a_workflow_that_has_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where images are published from, an unreachable database is loud and stops the run."""
    monkeypatch.setattr(scanning, "has_database", lambda: False)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(StageError, match="database must be reachable in a workflow"):
        scan(Build("iris", "python:3.13", tmp_path))
    assert "vulnerabilities were NOT checked" in capsys.readouterr().out
