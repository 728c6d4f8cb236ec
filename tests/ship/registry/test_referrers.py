"""A registry is asked what refers to an image, and what it did not say is not taken for nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from ship.errors import ShipError, StageError
from ship.registry.image_index import MEDIA_TYPE
from ship.registry.remote import Registry
from tests.support.images.oci_archives import MANIFEST
from tests.support.names import free_address

DIGEST = f"sha256:{'0' * 64}"
LISTED = [{"mediaType": MANIFEST, "digest": DIGEST, "size": 2}]
OURS = base64.b64encode(b"me:secret").decode()  # our credentials


class Lister(BaseHTTPRequestHandler):
    """A registry that answers in one way, to whoever shows what it wants to see."""

    status: ClassVar[int]
    content: ClassVar[bytes]
    wanted: ClassVar[str]
    challenge: ClassVar[str]
    shown: ClassVar[list[str | None]]  # every Authorization header, in order

    def do_GET(self) -> None:
        """Answer as the class says, and record the Authorization header."""
        shown = self.headers["Authorization"]
        self.shown.append(shown)
        if self.path.startswith("/token"):
            return self.answer(200, json.dumps({"token": "t"}).encode())
        if self.wanted and shown != self.wanted:
            return self.answer(401, b"{}")
        return self.answer(self.status, self.content)

    def answer(self, status: int, content: bytes) -> None:
        """Send a status, the challenge and a body."""
        self.send_response(status)
        self.send_header("WWW-Authenticate", self.challenge)
        if 300 <= status < 400:
            self.send_header("Location", content.decode())
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def lister(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """A repository of a registry that lists one referrer, where nobody has logged in."""
    for name in ("REGISTRY_AUTH_FILE", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    content = json.dumps({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "manifests": LISTED})
    Lister.status, Lister.content, Lister.shown = 200, content.encode(), []
    Lister.wanted = Lister.challenge = ""
    with ThreadingHTTPServer(("127.0.0.1", 0), Lister) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield Registry(f"127.0.0.1:{server.server_port}/owner/made")
        server.shutdown()


def host(registry: Registry) -> str:
    """Return the host and port of a registry."""
    return registry.repository.partition("/")[0]


def want_token(registry: Registry, realm: str) -> None:
    """Make the registry want a token, which its `realm` gives."""
    Lister.wanted = "Bearer t"
    Lister.challenge = f'Bearer realm="{realm}",service="test",scope="pull"'


def log_in(registry: Registry, file: Path, helper: str = "") -> None:
    """Write what a login writes: the credentials, or the name of who keeps them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    auths = {"auths": {host(registry): {} if helper else {"auth": OURS}}}
    helpers = {"credHelpers": {host(registry): helper}} if helper else {}
    file.write_text(json.dumps({**auths, **helpers}))


def test_referrers_are_asked_for_with_a_token(lister: Registry) -> None:
    """A registry that lists them wants to know who asks, as it does of everybody who pulls."""
    want_token(lister, f"http://{host(lister)}/token")
    assert lister.referrers(DIGEST) == LISTED


@pytest.mark.parametrize("status", [400, 404, 406])
def test_registry_without_the_list_has_none(lister: Registry, status: int) -> None:
    """These are the answers of registries that keep referrers under tags alone."""
    Lister.status = status
    assert lister.referrers(DIGEST) == []


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_refusal_is_not_taken_for_an_empty_list(lister: Registry, status: int) -> None:
    """Who may not ask, or asks in vain, is message so, and how to log in."""
    Lister.status = status
    message = rf"must list what refers.*\n?.* {status}.*\n.*skopeo login {host(lister)}"
    with pytest.raises(StageError, match=message):
        lister.referrers(DIGEST)


@pytest.mark.parametrize("content", [b"<html>", b"[]", b'{"manifests": {}}', b""])
def test_answer_that_is_no_list_is_not_taken_for_an_empty_one(
    lister: Registry, content: bytes
) -> None:
    """A page of a proxy, say, is no word of the registry's."""
    Lister.content = content
    with pytest.raises(ShipError, match="Got"):
        lister.referrers(DIGEST)


def test_no_answer_is_not_taken_for_an_empty_list() -> None:
    """A registry that cannot be reached has said nothing."""
    with pytest.raises(StageError, match=r"must list what refers[\s\S]*refused"):
        Registry(f"{free_address()}/owner/made").referrers(DIGEST)


@pytest.mark.parametrize(
    "file", ["containers/auth.json", ".config/containers/auth.json", ".docker/config.json"]
)
def test_login_counts_where_it_was_left(lister: Registry, tmp_path: Path, file: str) -> None:
    """A registry that wants name and password gets them, from each place that skopeo reads."""
    Lister.wanted, Lister.challenge = f"Basic {OURS}", 'Basic realm="here"'
    log_in(lister, tmp_path / file)
    assert lister.referrers(DIGEST) == LISTED


def test_login_is_taken_from_a_credential_helper(
    lister: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker Desktop keeps credentials in the keychain, where a program of its own reads them."""
    Lister.wanted, Lister.challenge = f"Basic {OURS}", 'Basic realm="here"'
    log_in(lister, tmp_path / ".docker/config.json", "test")
    helper = tmp_path / "docker-credential-test"
    helper.write_text(
        f'#!/bin/sh\n[ "$1 $(cat)" = "get {host(lister)}" ] && '
        'echo \'{"Username": "me", "Secret": "secret"}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert lister.referrers(DIGEST) == LISTED


@pytest.mark.parametrize("realm", ["file:///etc/passwd", "ftp://127.0.0.1/", ""])
def test_token_is_asked_for_by_http_alone(lister: Registry, realm: str) -> None:
    """A registry does not choose a file of this machine, to be sent what is in it."""
    want_token(lister, realm)
    with pytest.raises(StageError, match="realm"):
        lister.referrers(DIGEST)


def test_credentials_do_not_follow_a_redirect(lister: Registry, tmp_path: Path) -> None:
    """GitHub's registry sends whoever asks for referrers to another host."""
    log_in(lister, tmp_path / ".docker/config.json")
    Lister.wanted, Lister.challenge = f"Basic {OURS}", 'Basic realm="here"'
    Lister.status, Lister.content = 303, f"http://{host(lister)}/token".encode()
    with pytest.raises(StageError, match="without a list"):
        lister.referrers(DIGEST)
    assert Lister.shown == [None, f"Basic {OURS}", None]
