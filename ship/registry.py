"""Publish to a registry, with skopeo: it copies an image without changing a byte of it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ship.errors import StageError
from ship.layout import Layout
from ship.oci import Archive

ABSENT = ("manifest unknown", "name unknown", "not found", "repository name not known")


@dataclass(frozen=True)
class Registry:
    """One model's repository, such as ghcr.io/owner/iris; log in with `skopeo login` first."""

    repository: str
    LOCAL: ClassVar = ("localhost", "127.0.0.1", "[::1]")

    def __str__(self) -> str:
        return self.repository

    def digest_of(self, tag: str) -> str | None:
        found = self._skopeo("inspect", *self._tls(""), "--no-tags", "--format", "{{.Digest}}",
                             self._url(f":{tag}"))  # fmt: skip
        return self._answer(found)

    def tags(self) -> list[str]:
        found = self._skopeo("list-tags", *self._tls(""), self._url(""))
        answer = self._answer(found)
        return sorted(json.loads(answer)["Tags"]) if answer else []

    def push(self, archive: Archive) -> None:
        """Copy the archive by digest; nothing can be reached by a tag."""
        self._copy(f"oci-archive:{archive.path}", f"@{archive.digest}", "dest-")

    def tag(self, archive: Archive, tag: str) -> None:
        """Let `tag` name the archive's image, which is here by digest, from now on."""
        self._copy(self._url(f"@{archive.digest}"), f":{tag}", "src-", "dest-")

    def config(self, digest: str) -> bytes:
        """Return the configuration of an image."""
        found = self._skopeo("inspect", *self._tls(""), "--raw", "--config",
                             self._url(f"@{digest}"))  # fmt: skip
        return self._checked(found).encode()

    def local(self, tag: str, folder: Path) -> tuple[Layout, str]:
        """Copy the image of `tag` to a layout; what that holds already is not fetched again."""
        folder.mkdir(parents=True, exist_ok=True)
        self._checked(self._skopeo("copy", "--quiet", "--preserve-digests", "--retry-times=3",
                                   *self._tls("src-"), self._url(f":{tag}"),
                                   f"oci:{folder}:{tag}"))  # fmt: skip
        return Layout(folder), tag

    def read(self, digest: str) -> bytes:
        found = self._skopeo("inspect", *self._tls(""), "--raw", self._url(f"@{digest}"))
        return self._checked(found).encode()

    def _copy(self, source: str, target: str, *sides: str) -> None:
        tls = (option for side in sides for option in self._tls(side))
        self._checked(self._skopeo("copy", "--quiet", "--preserve-digests", "--retry-times=3", *tls,
                                   source, self._url(target)))  # fmt: skip

    def _url(self, suffix: str) -> str:
        return f"docker://{self.repository}{suffix}"

    def _tls(self, side: str) -> list[str]:
        """Allow plain HTTP to a registry on this very machine, as Docker does."""
        local = self.repository.rsplit(":", 1)[0].partition("/")[0] in self.LOCAL
        return [f"--{side}tls-verify=false"] if local else []

    def _answer(self, result: subprocess.CompletedProcess[str]) -> str | None:
        if result.returncode and any(word in result.stderr.lower() for word in ABSENT):
            return None
        return self._checked(result).strip()

    def _checked(self, result: subprocess.CompletedProcess[str]) -> str:
        if result.returncode:
            *_, reason = result.stderr.strip().splitlines()
            raise StageError(
                f"{self.repository} must be a registry you may write to. "
                f"Got instead from skopeo: {reason}\n"
                f"Log in with: skopeo login {self.repository.partition('/')[0]}"
            )
        return result.stdout

    @staticmethod
    def _skopeo(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False)
