"""Check which image a scan report or an SBOM (SPDX, CycloneDX) is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ship.errors import StageError
from ship.registry.oci_archive import Archive

PREFIX = "ImageID: "
PROPERTY = "aquasecurity:trivy:ImageID"


def refuse_foreign(document: dict[str, Any], name: str, archive: Archive) -> None:
    """Raise StageError for a document that is about another image, or about none.

    Trivy names an image by the digest of its configuration.
    """
    wanted = archive.manifest["config"]["digest"]
    images = set(subjects(document))
    if images != {wanted}:
        named = ", ".join(sorted(str(image)[:100] for image in images)) or "none"
        raise StageError(
            f"{archive.path.with_name(name)} must be about the image {wanted}. "
            f"Got one about {named} instead. Run: make scan"
        )


def subjects(document: dict[str, Any]) -> Iterator[str]:
    """Yield the images that an SPDX or CycloneDX document, or a report of Trivy's, is about."""
    if "spdxVersion" in document:
        for package in objects(document.get("packages")):
            notes = [note.get("comment") for note in objects(package.get("annotations"))]
            yield from (str(note).removeprefix(PREFIX) for note in notes
                        if str(note).startswith(PREFIX))  # fmt: skip
    elif "bomFormat" in document:
        component = document.get("metadata", {}).get("component", {})
        yield from (str(entry.get("value")) for entry in objects(component.get("properties"))
                    if entry.get("name") == PROPERTY)  # fmt: skip
    else:
        yield str(document.get("Metadata", {}).get("ImageID"))


def objects(items: Any) -> list[dict[str, Any]]:
    """Return the objects in an untrusted list."""
    return [item for item in items or [] if isinstance(item, dict)]
