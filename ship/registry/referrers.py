"""What stands beside an image: its signature, the attestation of its SBOM, where it was built.

cosign 2 writes tags named after the digest. cosign 3 and GitHub write referrers, which a registry
lists itself or, where it cannot, leaves in an index that is tagged with the digest.
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

from ship.registry.destination import Destination
from ship.registry.image_files import INDEXES, document
from ship.registry.remote import Registry

SUFFIXES = {".sig": "signature", ".att": "SBOM"}
PREDICATES = {
    "https://sigstore.dev/cosign/sign/v1": "signature",
    "https://spdx.dev/Document": "SBOM",
    "https://slsa.dev/provenance/v1": "provenance",
}
PREDICATE = "dev.sigstore.bundle.predicateType"
CHALLENGE = re.compile(r'(realm|service|scope)="([^"]*)"')
SECONDS = 10


def beside(target: Destination, digest: str, tags: list[str]) -> list[str]:
    """Return what there is of signature, SBOM and provenance, of an image or of its platforms."""
    found = document(target.read, digest)
    platforms = found["manifests"] if found.get("mediaType") in INDEXES else []
    kinds = {
        kind
        for each in (digest, *(platform["digest"] for platform in platforms))
        for kind in (*by_tag(each, tags), *by_referrer(target, each, tags))
    }
    return [kind for kind in PREDICATES.values() if kind in kinds]


def by_tag(digest: str, tags: list[str]) -> list[str]:
    name = digest.replace(":", "-")
    return [kind for suffix, kind in SUFFIXES.items() if name + suffix in tags]


def by_referrer(target: Destination, digest: str, tags: list[str]) -> list[str]:
    listed = asked(target, digest) if isinstance(target, Registry) else []
    name = digest.replace(":", "-")
    if name in tags and (fallback := target.digest_of(name)):
        listed = [*listed, *document(target.read, fallback).get("manifests", [])]
    manifests = [document(target.read, each["digest"]) for each in listed]
    types = [each.get("annotations", {}).get(PREDICATE) for each in manifests]
    return [PREDICATES[each] for each in types if each in PREDICATES]


def asked(target: Registry, digest: str) -> list[dict[str, Any]]:
    """Return what the registry lists as referrers; nothing where it knows no such list."""
    host, _, name = target.repository.partition("/")
    scheme = "http" if host.partition(":")[0] in target.LOCAL else "https"
    address = f"{scheme}://{host}/v2/{name}/referrers/{digest}"
    try:
        listed: list[dict[str, Any]] = fetched(address, host).get("manifests", [])
    except (OSError, ValueError):  # no such list here, or none for us: tags tell the rest
        return []
    return listed


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
