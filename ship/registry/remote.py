"""Publish to a registry (OCI distribution spec 1.1) with skopeo, which changes no byte.

oras 1.2 cannot take the place of skopeo and of our layouts: it gives up when a transfer breaks,
writes the index of a layout neither whole nor under a lock, and does not know a `skopeo login`.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ship.command import Result, attempt
from ship.errors import StageError, UsageError
from ship.files.digest import of, require, require_digest
from ship.host.runner import lacks_secrets
from ship.registry import image_files, referrers
from ship.registry.image_index import Content, Described
from ship.registry.layout import Layout
from ship.registry.oci_archive import StoredImage

GHCR = "ghcr.io"  # GitHub's registry
LOCAL_TAG = "published"  # of what was copied here last
STUMBLED = re.compile(r"HTTP status:? 5\d\d")  # the server's own error (RFC 9110, 15.6)
PAUSES = (0.2, 1, 3)  # seconds before each further attempt
ABSENT = ("manifest unknown", "name unknown", "not found", "repository name not known")


@dataclass(frozen=True)
class Registry:
    """The repository of one model, such as ghcr.io/owner/iris; log in with `skopeo login` first."""

    repository: str
    shared: ClassVar = True
    LOCAL: ClassVar = ("localhost", "127.0.0.1", "[::1]")

    def __str__(self) -> str:
        return self.repository

    def resolve(self, tag: str) -> str | None:
        """Return the digest that a tag names, None for no such tag."""
        result = self._skopeo("inspect", *self._tls(""), "--raw", self._url(f":{tag}"))
        content = self._answer(result)
        return None if content is None else of(content)

    def tags(self) -> list[str]:
        """Return every tag."""
        result = self._skopeo("list-tags", *self._tls(""), self._url(""))
        answer = self._answer(result)
        return sorted(json.loads(answer)["Tags"]) if answer else []

    def push(self, image: Content) -> None:
        """Copy the image by digest, every blob verified; no tag is set."""
        with tempfile.TemporaryDirectory() as folder:
            verified = Layout(Path(folder))
            verified.push(image)
            verified.tag(image, "verified")
            self._copy(f"oci:{folder}:verified", f"@{image.digest}", "dest-")

    def tag(self, image: Described, tag: str) -> None:
        """Make `tag` name the image, which is there by digest, from now on."""
        self._copy(self._at(image.digest), f":{tag}", "src-", "dest-")

    def publishing(self) -> AbstractContextManager[None]:
        """Do nothing: a registry has no lock, so tags are checked again after they are set."""
        return nullcontext()

    def verify(self, digest: str) -> None:
        """Check the manifest, or the index and its manifests, by their digests.

        Whoever pulls other blobs verifies them. Raises ShipError for a wrong one.
        """
        document = image_files.document(self.read, digest)
        if image_files.is_index(document):
            for platform in document["manifests"]:
                self.verify(platform["digest"])

    def config(self, digest: str) -> bytes:
        """Return the configuration of an image; of an index, that for this machine."""
        platform = image_files.platform_digest(self.read, digest)
        expected = image_files.document(self.read, platform)["config"]["digest"]
        result = self._skopeo("inspect", *self._tls(""), "--raw", "--config",
                             self._at(platform))  # fmt: skip
        return require(self._checked(result), expected, self)

    def referrers(self, digest: str) -> list[dict[str, Any]]:
        """Return the descriptors of what the registry lists as referring to an image."""
        return referrers.listed(self.repository, digest, plain=self._is_local())

    def local(self, digest: str, folder: Path) -> StoredImage:
        """Copy an image to a layout; what that holds already is not fetched again."""
        folder.mkdir(parents=True, exist_ok=True)
        self._checked(self._skopeo("copy", "--quiet", "--preserve-digests", "--retry-times=3",
                                   *self._tls("src-"), self._at(digest),
                                   f"oci:{folder}:{LOCAL_TAG}"))  # fmt: skip
        layout = Layout(folder)
        return layout.image(layout.resolve(LOCAL_TAG) or digest)

    def beside(self) -> Registry:
        """Return the repository for the evaluations of the model."""
        return Registry(f"{self.repository}-evaluation")

    def read(self, digest: str) -> bytes:
        """Return a manifest or index, unverified."""
        result = self._skopeo("inspect", *self._tls(""), "--raw", self._at(digest))
        return self._checked(result)

    def _copy(self, source: str, target: str, *sides: str) -> None:
        tls = (option for side in sides for option in self._tls(side))
        self._checked(self._skopeo("copy", "--quiet", "--all", "--preserve-digests",
                                   "--retry-times=3", *tls, source, self._url(target)))  # fmt: skip

    def _url(self, suffix: str) -> str:
        return f"docker://{self.repository}{suffix}"

    def _at(self, digest: str) -> str:
        return self._url(f"@{require_digest(digest, self)}")

    def _tls(self, side: str) -> list[str]:
        """Allow plain HTTP to a registry on this very machine, as Docker does."""
        return [f"--{side}tls-verify=false"] if self._is_local() else []

    def _is_local(self) -> bool:
        return self.repository.rsplit(":", 1)[0].partition("/")[0] in self.LOCAL

    def _answer(self, result: Result) -> bytes | None:
        message = result.stderr.lower()
        if not result.succeeded and any(word in message for word in ABSENT):
            return None
        return self._checked(result)

    def _checked(self, result: Result) -> bytes:
        """Return what skopeo printed; raise StageError if it failed."""
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
        """Run skopeo for Linux images, on any machine, again where the registry stumbles.

        A registry may do so while another program sets the very tag that is asked for.
        """
        command = ("skopeo", "--override-os=linux", *arguments)
        for seconds in PAUSES:
            result = attempt(*command)
            if result.succeeded or not STUMBLED.search(result.stderr):
                return result
            time.sleep(seconds)
        return attempt(*command)


def login(registry: str) -> str:
    """Log in to the host of `registry` as REGISTRY_USER, and return what was done.

    A workflow's own token, GITHUB_TOKEN, is sent to GitHub's registry and to no other. Raises
    UsageError without a host, and StageError if the host refuses any but a stranger's pull request.
    """
    host = registry.partition("/")[0]
    user, password = os.environ.get("REGISTRY_USER", ""), os.environ.get("REGISTRY_PASSWORD")
    if not password and host == GHCR:
        user, password = os.environ.get("GITHUB_ACTOR", ""), os.environ.get("GITHUB_TOKEN")
    if not password:
        return "no REGISTRY_PASSWORD, so only what is public can be read"
    if not host:
        raise UsageError("REGISTRY must say where to log in: REGISTRY=host/owner. Got none.")
    result = attempt("docker", "login", f"--username={user}", "--password-stdin", "--",
                     host, stdin=password)  # fmt: skip
    if not result.succeeded:
        if lacks_secrets():
            return f"{host} takes no login of this pull request, so only what is public can be read"
        raise StageError(f"{host} must take REGISTRY_USER and REGISTRY_PASSWORD. "
                         f"Got instead from docker: {result.reason}")  # fmt: skip
    return f"logged in to {host}"
