"""What a document of an image may lead to: checked before anything is done with it (OCI 1.1)."""

from __future__ import annotations

import json
import re
from typing import Any

from ship.errors import ShipError
from ship.files.digest import checked

MANIFESTS = ("application/vnd.oci.image.manifest.v1+json",
             "application/vnd.docker.distribution.manifest.v2+json")  # fmt: skip
CONFIGS = ("application/vnd.oci.image.config.v1+json",
           "application/vnd.docker.container.image.v1+json")  # fmt: skip
LAYERS = ("application/vnd.oci.image.layer.v1.tar",
          "application/vnd.oci.image.layer.v1.tar+gzip",
          "application/vnd.docker.image.rootfs.diff.tar.gzip")  # fmt: skip
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")  # of an architecture, which ends in names of files


def descriptor(found: Any, types: tuple[str, ...], where: object) -> dict[str, Any]:
    """Return mediaType, digest and size of what a document leads to, in a form to rely on."""
    if not isinstance(found, dict) or found.get("mediaType") not in types:
        kind = found.get("mediaType") if isinstance(found, dict) else found
        raise ShipError(
            f"{where}: a media type must be one of {', '.join(types)}. Got {str(kind)[:100]!r}."
        )
    size = found.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ShipError(f"{where}: a size must be a number of bytes. Got {str(size)[:100]!r}.")
    checked(found.get("digest"), where)
    return {key: found[key] for key in ("mediaType", "digest", "size")}


def refuse_other_than_strings(config: Any, where: object) -> None:
    """Raise ShipError for a configuration whose labels are not names and texts."""
    labels = (config.get("Labels") or {}) if isinstance(config, dict) else None
    if not isinstance(labels, dict) or not all(isinstance(each, str) for each in labels.values()):
        raise ShipError(f"{where}: labels must be texts. Got {str(config)[:100]!a} instead.")


def decoded(content: bytes, where: object) -> dict[str, Any]:
    """Return a JSON object that somebody else wrote."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ShipError(f"{where} must hold JSON. Got instead: {error}") from error
    if not isinstance(found, dict):
        raise ShipError(f"{where} must hold a JSON object. Got {str(found)[:100]!r} instead.")
    return found
