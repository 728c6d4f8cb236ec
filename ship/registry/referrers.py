"""Ask a registry what refers to an image (OCI distribution spec 1.1, "Listing Referrers").

skopeo has no command for it.
"""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

CHALLENGE = re.compile(r'(realm|service|scope)="([^"]*)"')
SECONDS = 10


def listed(repository: str, digest: str, *, plain: bool) -> list[dict[str, Any]]:
    """Return the descriptors of an image's referrers; none where the registry has no such list.

    `repository` is host/name; `plain` asks without TLS.
    """
    host, _, name = repository.partition("/")
    scheme = "http" if plain else "https"
    address = f"{scheme}://{host}/v2/{name}/referrers/{digest}"
    try:
        descriptors: list[dict[str, Any]] = fetched(address, host).get("manifests", [])
    except (OSError, ValueError):  # no such list here, or none for us: tags tell the rest
        return []
    return descriptors


def fetched(address: str, host: str) -> dict[str, Any]:
    """Get a JSON document; where the registry asks for a token, get one first."""
    try:
        return read(Request(address))  # noqa: S310 - http only to this machine
    except HTTPError as error:
        challenge = dict(CHALLENGE.findall(error.headers.get("WWW-Authenticate", "")))
        if error.code != 401 or "realm" not in challenge:
            raise
    query = urlencode({key: challenge[key] for key in ("service", "scope") if key in challenge})
    request = Request(f"{challenge['realm']}?{query}", headers=credentials(host))  # noqa: S310
    token = read(request).get("token", "")
    return read(Request(address, headers={"Authorization": f"Bearer {token}"}))  # noqa: S310


def read(request: Request) -> dict[str, Any]:
    """Return the JSON document that a request gets."""
    with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
        decoded: dict[str, Any] = json.load(answer)
    return decoded


def credentials(host: str) -> dict[str, str]:
    """Return what `skopeo login` has left for a registry, as a header."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    files = (os.environ.get("REGISTRY_AUTH_FILE"), f"{runtime}/containers/auth.json",
             Path.home() / ".docker/config.json")  # fmt: skip
    for file in files:
        if file and Path(file).is_file():
            auth = json.loads(Path(file).read_bytes()).get("auths", {}).get(host, {}).get("auth")
            if auth and base64.b64decode(auth):
                return {"Authorization": f"Basic {auth}"}
    return {}
