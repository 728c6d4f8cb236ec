"""What a run has found of each model so far, by its artifacts.

The run may be a fork's, so what it wrote is not trusted: its files are read as text, within limits,
and nothing of it is written to disk. A model's code decides neither names nor addresses in a link.
"""

from __future__ import annotations

import io
import json
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any

from contract.names import LONGEST, NAME
from ship.errors import ShipError
from ship.github.api import GitHub

REPORT, TESTED = "report.md", "tested.json"
ZIP_LIMIT, TEXT_LIMIT = 2**26, 2**22  # bytes: a report's artifact holds the kept evaluation as well
MODELS = 200  # of one run
JUDGING = re.compile(
    rf"(?:.* / )?Train and judge ({NAME.pattern})"
)  # the name of a job in model.yml
ARTIFACT = re.compile(
    rf"report-(?P<report>{NAME.pattern})|(?P<page>{NAME.pattern})\.html"
    rf"|tested-(?P<tested>{NAME.pattern})-(?P<architecture>amd64|arm64)"
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
BROKEN = (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error)


@dataclass
class ModelResult:
    """A model's report, the number of the artifact that is its page, and its tested images."""

    report: str = ""
    page: int | None = None
    images: dict[str, str] = field(default_factory=dict)  # digest by architecture


@dataclass
class RunResults:
    """The results of one run; each artifact is downloaded once, however often it is asked."""

    github: GitHub
    run: int
    read: dict[int, str] = field(default_factory=dict)

    def by_model(self) -> dict[str, ModelResult]:
        """Return what the newest artifact of each kind says; raise ShipError for what is broken."""
        results: dict[str, ModelResult] = {}
        newest = {
            artifact["name"]: artifact
            for artifact in sorted(self.artifacts(), key=lambda artifact: int(artifact["id"]))
        }
        for name, artifact in sorted(newest.items())[: 4 * MODELS]:
            if matched := ARTIFACT.fullmatch(name):
                model = matched["report"] or matched["page"] or matched["tested"]
                result = results.setdefault(model, ModelResult())
                if matched["report"]:
                    result.report = self.text(artifact["id"], REPORT)
                elif matched["page"]:
                    result.page = int(artifact["id"])
                else:
                    tested = self.text(artifact["id"], TESTED)
                    result.images[matched["architecture"]] = digest_in(tested)
        return {model: result for model, result in results.items() if result.report}

    def artifacts(self) -> list[dict[str, Any]]:
        """Return the artifacts that are still there."""
        pages = self.github.pages(f"actions/runs/{self.run}/artifacts", "artifacts")
        return [artifact for artifact in pages if not artifact["expired"]]

    def text(self, artifact: int, member: str) -> str:
        """Return one file of an artifact."""
        if artifact not in self.read:
            content = self.github.download(f"actions/artifacts/{artifact}/zip", ZIP_LIMIT)
            self.read[artifact] = text(content, member)
        return self.read[artifact]

    def models(self) -> list[str]:
        """Return the models whose jobs have been planned, in the order of their names."""
        jobs = self.github.pages(f"actions/runs/{self.run}/jobs", "jobs")
        names = [JUDGING.fullmatch(job["name"]) for job in jobs]
        return sorted({match[1] for match in names if match and len(match[1]) <= LONGEST})

    def ended(self) -> dict[str, Any] | None:
        """Return the run once it has ended, None while it goes on."""
        run: dict[str, Any] = self.github.get(f"actions/runs/{self.run}")
        return run if run["status"] == "completed" else None


def text(archive: bytes, member: str) -> str:
    """Return one file of an artifact, without unpacking it to disk.

    Raises ShipError for a broken archive, for a link, and for more than TEXT_LIMIT bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            info = members.getinfo(member)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise ShipError(f"{member} must be a file in its artifact. It is a link.")
            with members.open(info) as file:
                content = file.read(TEXT_LIMIT + 1)
    except BROKEN as error:
        raise ShipError(f"The artifact must be a zip with {member} in it. {error}") from None
    if len(content) > TEXT_LIMIT:
        raise ShipError(f"{member} must have at most {TEXT_LIMIT} bytes. It has more.")
    return content.decode(errors="replace")


def digest_in(record: str) -> str:
    """Return the digest in the record of an image's tests; raise ShipError where it has none."""
    try:
        digest = json.loads(record)["digest"]
    except (ValueError, KeyError, TypeError):
        digest = None
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise ShipError(f"{TESTED} must name the digest of the image. It does not.")
    return digest
