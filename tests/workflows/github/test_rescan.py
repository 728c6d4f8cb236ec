"""rescan.yml, run by act with a real Trivy on a registry that stands for GHCR."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.github.issue import TITLE
from ship.pipeline.publish import publish
from ship.registry.oci_archive import Archive
from ship.tags import Tag
from tests.support.github.ghcr import Ghcr
from tests.support.images.oci_archives import oci_archive
from tests.support.images.trivy_database import Vulnerability, serve_database
from tests.workflows.act import Act
from tests.workflows.github.grants import granted

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
SCAN, ISSUE = "rescan/Scan the published images", "rescan/Keep the issue"
METADATA = "usr/local/lib/python3.13/site-packages/h11-{0}.dist-info/METADATA"


def image(folder: Path, version: str) -> Archive:
    """Make an image with a version of h11 installed."""
    metadata = f"Metadata-Version: 2.1\nName: h11\nVersion: {version}\n".encode()
    return oci_archive(folder / f"{version}.tar", {METADATA.format(version): metadata}, {})


def test_rescan_opens_an_issue_and_closes_it_when_mended(
    hub: Act, ghcr: Ghcr, registry: str, tmp_path: Path
) -> None:
    """What became known of a published image opens an issue; the mended image closes it."""
    known = Vulnerability("CVE-2026-0001", "h11", fixed="9.9", severity="HIGH")
    hub.environment |= serve_database(registry, [known], Path(".cache/trivy"))
    hub.variables["REGISTRY"] = ghcr.registry
    hub.state.permissions = granted("rescan", "issue")

    publish(image(tmp_path, "0.1"), [Tag("main")], ghcr.target)
    run = hub.run("schedule", "rescan.yml", {})
    assert run.results == {SCAN: "success", ISSUE: "success"}
    (issue,) = hub.state.issues
    assert (issue["title"], issue["state"]) == (TITLE, "open")
    assert "- iris (main): HIGH CVE-2026-0001 in h11 0.1: update to 9.9" in issue["body"]

    publish(image(tmp_path, "9.9"), [Tag("main")], ghcr.target)
    hub.run("schedule", "rescan.yml", {})
    assert [issue["state"] for issue in hub.state.issues] == ["closed"]
    assert hub.state.used == hub.state.permissions
