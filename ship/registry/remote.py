"""Publish to a registry, with skopeo: it copies an image without changing a byte of it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ship.command import Result, attempt
from ship.errors import StageError
from ship.files.digest import checked
from ship.registry.image_index import Image
from ship.registry.layout import Layout
from ship.registry.oci_archive import StoredImage

LOCAL_TAG = "published"  # of what was copied here last
ABSENT = ("manifest unknown", "name unknown", "not found", "repository name not known")


@dataclass(frozen=True)
class Registry:
    """One model's repository, such as ghcr.io/owner/iris; log in with `skopeo login` first."""

    repository: str
    LOCAL: ClassVar = ("localhost", "127.0.0.1", "[::1]")

    def __str__(self) -> str:
        return self.repository

    def digest_of(self, tag: str) -> str | None:
        found = self._skopeo("inspect", *self._tls(""), "--raw", self._url(f":{tag}"))
        content = self._answer(found)
        return None if content is None else f"sha256:{hashlib.sha256(content).hexdigest()}"

    def tags(self) -> list[str]:
        found = self._skopeo("list-tags", *self._tls(""), self._url(""))
        answer = self._answer(found)
        return sorted(json.loads(answer)["Tags"]) if answer else []

    def push(self, image: Image) -> None:
        """Copy the image by digest, every blob verified; nothing can be reached by a tag."""
        with tempfile.TemporaryDirectory() as folder:
            verified = Layout(Path(folder))
            verified.push(image)
            verified.tag(image, "verified")
            self._copy(f"oci:{folder}:verified", f"@{image.digest}", "dest-")

    def tag(self, image: Image, tag: str) -> None:
        """Let `tag` name the image, which is here by digest, from now on."""
        self._copy(self._at(image.digest), f":{tag}", "src-", "dest-")

    def publishing(self) -> AbstractContextManager[None]:
        """Keep no other publish out: a registry has no lock, so tags are checked once more."""
        return nullcontext()

    def verify(self, digest: str) -> None:
        """Read nothing more: a registry's blobs are verified by whoever pulls them."""

    def config(self, digest: str) -> bytes:
        """Return the configuration of an image."""
        found = self._skopeo("inspect", *self._tls(""), "--raw", "--config",
                             self._at(digest))  # fmt: skip
        return self._checked(found)

    def local(self, digest: str, folder: Path) -> StoredImage:
        """Copy an image to a layout; what that holds already is not fetched again."""
        folder.mkdir(parents=True, exist_ok=True)
        self._checked(self._skopeo("copy", "--quiet", "--preserve-digests", "--retry-times=3",
                                   *self._tls("src-"), self._at(digest),
                                   f"oci:{folder}:{LOCAL_TAG}"))  # fmt: skip
        layout = Layout(folder)
        return layout.image(layout.digest_of(LOCAL_TAG) or digest)

    def read(self, digest: str) -> bytes:
        found = self._skopeo("inspect", *self._tls(""), "--raw", self._at(digest))
        return self._checked(found)

    def fetch(self, digest: str, folder: Path) -> None:
        """Copy the image `digest`, of whatever platform, to a layout that holds it alone."""
        self._checked(self._skopeo("copy", "--quiet", "--preserve-digests", "--retry-times=3",
                                   *self._tls("src-"), self._at(digest),
                                   f"oci:{folder}:{folder.name}"))  # fmt: skip

    def _copy(self, source: str, target: str, *sides: str) -> None:
        tls = (option for side in sides for option in self._tls(side))
        self._checked(self._skopeo("copy", "--quiet", "--all", "--preserve-digests",
                                   "--retry-times=3", *tls, source, self._url(target)))  # fmt: skip

    def _url(self, suffix: str) -> str:
        return f"docker://{self.repository}{suffix}"

    def _at(self, digest: str) -> str:
        return self._url(f"@{checked(digest, self)}")

    def _tls(self, side: str) -> list[str]:
        """Allow plain HTTP to a registry on this very machine, as Docker does."""
        local = self.repository.rsplit(":", 1)[0].partition("/")[0] in self.LOCAL
        return [f"--{side}tls-verify=false"] if local else []

    def _answer(self, result: Result) -> bytes | None:
        said = result.stderr.lower()
        if not result.succeeded and any(word in said for word in ABSENT):
            return None
        return self._checked(result)

    def _checked(self, result: Result) -> bytes:
        if not result.succeeded:
            *_, reason = result.reason.splitlines()
            raise StageError(
                f"{self.repository} must be a registry that you may use. "
                f"Got instead from skopeo: {reason}\n"
                f"Log in with: skopeo login {self.repository.partition('/')[0]}"
            )
        return result.content

    @staticmethod
    def _skopeo(*arguments: str) -> Result:
        """Run skopeo; images are Linux images, whatever this machine is."""
        return attempt("skopeo", "--override-os=linux", *arguments)
