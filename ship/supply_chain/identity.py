"""What an image says that it is: model, version and revision, by labels that its digest covers."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ship.errors import StageError
from ship.files.bounded import decoded
from ship.registry.destination import Destination
from ship.registry.image_files import platforms
from ship.registry.labels import MODEL, REVISION, VERSION

VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")  # what cosign reads back as it was written


class Claim(NamedTuple):
    """The model, version and revision that an image's labels, and its signatures, say that it is.

    A signature may say a release in place of the labels' version.
    """

    model: str
    version: str
    revision: str

    def __str__(self) -> str:
        return f"{self.model} {self.version} of revision {self.revision[:12]}"


@dataclass(frozen=True)
class Identity:
    """What an image claims to be, and when the last commit was made that shaped it, if known."""

    claim: Claim
    created: dt.datetime | None


def claim_of(labels: Mapping[str, str], where: str) -> Claim:
    """Read the labels of an image; raise StageError if one is absent or cannot be signed."""
    for name in (MODEL, VERSION, REVISION):
        if not VALUE.fullmatch(value := labels.get(name, "")):
            raise StageError(
                f"{where} must have the label {name}, of letters, digits and . _ + -. Got "
                f"{repr(value) if value else 'none'} instead. It was made another way, or before "
                "signatures named their model; build and publish it again, a release as a new "
                "version: make pipeline MODEL=…"
            )
    return Claim(labels[MODEL], labels[VERSION], labels[REVISION])


def identify(source: Destination, digest: str) -> Identity:
    """Read what the image `digest` is; raise StageError if its platforms differ in that.

    Everything is read and checked by digest, so that no name can lead elsewhere.
    """
    images = [image["digest"] for image in platforms(source.read, digest)]
    identities = {platform: identity(source, platform) for platform in images}
    if len(set(identities.values())) != 1:
        claims = (f"{platform}: {identity.claim}" for platform, identity in identities.items())
        raise StageError(
            f"All platforms of {source}@{digest} must be one and the same. Got {'; '.join(claims)}"
        )
    return next(iter(identities.values()))


def identity(source: Destination, digest: str) -> Identity:
    """Read what the image of one platform is."""
    configuration = config(source, digest)
    labels = configuration.get("config", {}).get("Labels") or {}
    return Identity(
        claim_of(labels, f"{source}@{digest}"), parse_time(configuration.get("created"))
    )


def created(source: Destination, digest: str) -> dt.datetime | None:
    """Return when an image was made; None if its platforms do not agree, or do not say."""
    images = platforms(source.read, digest)
    times = {parse_time(config(source, image["digest"]).get("created")) for image in images}
    return times.pop() if len(times) == 1 else None


def config(source: Destination, digest: str) -> dict[str, Any]:
    """Return the configuration of one platform's image."""
    return decoded(source.config(digest), f"{source}@{digest}")


def parse_time(written: str | None) -> dt.datetime | None:
    """Read a time as configurations have it (RFC 3339), None for anything else."""
    try:
        time = dt.datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return time if time.tzinfo else None
