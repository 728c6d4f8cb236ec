"""Ask a registry what refers to an image (OCI distribution spec 1.1, "Listing Referrers").

skopeo has no command for it. Who asks is known by the credentials that skopeo would use.
"""

from __future__ import annotations

import base64
import json
import os
import re
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from ship.command import attempt
from ship.errors import StageError
from ship.files.bounded import DOCUMENT, decoded, refuse_larger

CHALLENGE = re.compile(r'(realm|service|scope)="([^"]*)"')
# How registries answer that have no such list; Google's go-containerregistry takes the same three.
NO_LIST = (400, 404, 406)
SECONDS = 10


def listed(repository: str, digest: str, *, plain: bool) -> list[dict[str, Any]]:
    """Return the descriptors of an image's referrers; none where the registry has no such list.

    `repository` is host/name; `plain` asks without TLS. Raises StageError where the registry gives
    no answer, or not to us, and ShipError for an answer that is no JSON object.
    """
    host, _, name = repository.partition("/")
    scheme = "http" if plain else "https"
    try:
        index = fetched(f"{scheme}://{host}/v2/{name}/referrers/{digest}", host)
        if isinstance(index.get("manifests"), list):
            return list(map(dict, index["manifests"]))
        reason = "an answer without a list of manifests"
    except HTTPError as error:
        if error.code in NO_LIST:
            return []
        reason = str(error)
    except (OSError, HTTPException, KeyError, TypeError, ValueError) as error:
        reason = str(error) or repr(error)
    raise StageError(
        f"{repository} must list what refers to its images. Got instead: {reason[:200]}\n"
        f"Log in with: skopeo login {host}"
    )


def fetched(address: str, host: str) -> dict[str, Any]:
    """Get a JSON object; where the registry asks who we are, say so in the way that it wants."""
    try:
        return read(address)
    except HTTPError as error:
        if error.code != 401:
            raise
        challenge = error.headers.get("WWW-Authenticate", "")
    ours = credentials(host)
    if challenge.lower().startswith("bearer"):
        ours = token(challenge, ours, address.partition("//")[0])
    return read(address, ours)


def token(challenge: str, ours: str, scheme: str) -> str:
    """Return the token for our credentials; raise ValueError for a realm that is less safe."""
    parameters = dict(CHALLENGE.findall(challenge))
    realm = parameters.pop("realm", "")
    if not realm.startswith(("https://", f"{scheme}//")):
        raise ValueError(f"the realm {realm[:100]!r}")
    return f"Bearer {read(f'{realm}?{urlencode(parameters)}', ours).get('token', '')}"


def read(address: str, ours: str = "") -> dict[str, Any]:
    """Return the JSON object at an address; a redirect is followed without our credentials."""
    request = Request(address)  # noqa: S310 - http only to this machine, see `token`
    if ours:
        request.add_unredirected_header("Authorization", ours)
    with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
        content = answer.read(DOCUMENT + 1)
    refuse_larger(len(content), DOCUMENT, f"{address}: bytes of an answer")
    return decoded(content, address)


def credentials(host: str) -> str:
    """Return what a login has left for a registry, as a header's value; "" where there is none."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime, "containers") if runtime else Path(f"/run/containers/{os.getuid()}")
    docker = os.environ.get("DOCKER_CONFIG", Path.home() / ".docker")
    files = (os.environ.get("REGISTRY_AUTH_FILE"), folder / "auth.json",
             Path.home() / ".config/containers/auth.json", Path(docker, "config.json"))  # fmt: skip
    present = (Path(file).read_bytes() for file in files if file and Path(file).is_file())
    logins = (stored(json.loads(content), host) for content in present)
    return next((f"Basic {login}" for login in logins if login), "")


def stored(settings: dict[str, Any], host: str) -> str:
    """Return a registry's name and password in base64, from a file or from the helper it names."""
    helper = settings.get("credHelpers", {}).get(host) or settings.get("credsStore")
    result = attempt(f"docker-credential-{helper}", "get", stdin=host) if helper else None
    if result and result.succeeded:  # else the helper has none for this registry
        kept = json.loads(result.content)
        return base64.b64encode(f"{kept['Username']}:{kept['Secret']}".encode()).decode()
    auth: str = settings.get("auths", {}).get(host, {}).get("auth", "")
    return auth if base64.b64decode(auth) else ""  # some leave ":" there
