"""An OCI artifact that holds files and no image, whose digest follows from them alone."""

from __future__ import annotations

import io
import json
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import IO, Any

from ship.files import digest
from ship.registry.oci_archive import StoredImage

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = b"{}"  # OCI image spec 1.1, "Guidelines for Artifact Usage"
CONFIG: dict[str, Any] = {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": digest.of(EMPTY),
    "size": 2,
}


class Artifact(StoredImage):
    """Files under a type of their own; their bytes may be absent where it is only to be found."""

    type: str
    annotations: Mapping[str, str] = {}

    @property
    @abstractmethod
    def layers(self) -> list[dict[str, Any]]:
        """The descriptors of the files."""

    @property
    @abstractmethod
    def contents(self) -> Mapping[str, bytes]:
        """The bytes of the files, by their digests."""

    @property
    def where(self) -> str:
        """The name of the files, for messages."""
        return str(self.path)

    @cached_property
    def document(self) -> bytes:
        """The manifest as JSON."""
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": self.type,
                    "config": CONFIG, "layers": self.layers}  # fmt: skip
        if self.annotations:
            manifest["annotations"] = self.annotations
        return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()

    @property
    def descriptor(self) -> dict[str, Any]:
        """The mediaType, digest and size of the manifest."""
        size = len(self.document)
        return {"mediaType": MANIFEST, "digest": digest.of(self.document), "size": size}

    @property
    def descriptors(self) -> list[dict[str, Any]]:
        """The descriptors of everything that the artifact consists of, the manifest last."""
        distinct = {layer["digest"]: layer for layer in self.layers}
        return [*distinct.values(), CONFIG, self.descriptor]

    def raw(self, digest: str) -> AbstractContextManager[IO[bytes]]:
        """Open a blob, unverified."""
        blobs = {CONFIG["digest"]: EMPTY, self.digest: self.document, **self.contents}
        return nullcontext(io.BytesIO(blobs[digest]))
