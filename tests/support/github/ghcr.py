"""A real registry that stands for GHCR, and whose images GitHub's API lists and deletes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import requests

from ship.pipeline.publish import publish, push
from ship.registry.image_files import document
from ship.registry.image_index import Index, join
from ship.registry.remote import Registry
from ship.tags import Tag
from tests.support.github.fake import REPOSITORY, State
from tests.support.images.oci_archives import MakeArchive

OLD = "2020-01-01T00:00:00Z"
PACKAGE = "models/iris"
MANIFESTS = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"


class Ghcr:
    """The package of iris in the repository `octo/models`."""

    def __init__(self, registry: str, state: State, make_archive: MakeArchive) -> None:
        self.registry = f"{registry}/{REPOSITORY}"
        self.target = Registry(f"{self.registry}/iris")
        self.images: list[Index] = []
        self._state, self._make = state, make_archive
        state.deleted = self._delete

    def publish(self, content: str, *tags: str) -> Index:
        """Publish an image for two platforms, signed where there is a key."""
        image = join([self._make(content), self._make(content, "arm64")])
        assert isinstance(image, Index)
        if tags:
            publish(image, [Tag(tag) for tag in tags], self.target)
        else:
            push(image, [], self.target)
        self.images.append(image)
        return image

    def list(self) -> None:
        """Let GitHub list all that is here, as old; as there, most of it has no tag."""
        tags: dict[str, list[str]] = {}
        for tag in self.target.tags():
            tags.setdefault(str(self.target.resolve(tag)), []).append(tag)
        inside = [child for digest in tags for child in self._children(digest)]
        for digest in dict.fromkeys([*tags, *inside, *self.parts(self.images)]):
            self._state.version(PACKAGE, digest, OLD, *tags.get(digest, []))

    def _children(self, digest: str) -> Iterator[str]:
        for child in document(self.target.read, digest).get("manifests", []):
            yield child["digest"]

    @property
    def listed(self) -> set[str]:
        """The digests of all versions of the package."""
        return {version["name"] for version in self._state.packages[PACKAGE]}

    @staticmethod
    def parts(images: Iterable[Index]) -> set[str]:
        """Return the digests of indexes and of the images in them."""
        return {
            digest
            for image in images
            for digest in (image.digest, *(archive.digest for archive in image.archives))
        }

    def holds(self, digest: str) -> bool:
        """Tell whether a manifest can be pulled."""
        return requests.head(self._address(digest), headers={"Accept": MANIFESTS}, timeout=30).ok

    def _delete(self, digest: str) -> None:
        requests.delete(self._address(digest), timeout=30).raise_for_status()

    def _address(self, digest: str) -> str:
        host, _, name = str(self.target).partition("/")
        return f"http://{host}/v2/{name}/manifests/{digest}"
