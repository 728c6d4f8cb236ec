"""A vulnerability database as Trivy downloads it, with what a test wants known.

Trivy fetches an artifact from a registry, unpacks it, and opens a bbolt file: pages of sorted keys,
where small buckets lie inside the page of the one they are in.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
from typing import Any

import requests

PAGE = 4096
META, FREE, LEAF, BUCKET = 4, 16, 2, 1
MAGIC, VERSION = 0xED0CDAED, 2
SOURCE = "pip::Test advisories"
CONFIG = "application/vnd.aquasec.trivy.config.v1+json"
LAYER = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

Buckets = dict[str, Any]  # to buckets, or to the bytes of a value


def database(package: str, identifier: str, fixed: str) -> bytes:
    """Return a bbolt file that knows one HIGH vulnerability of a Python package below `fixed`."""
    advisory = {"PatchedVersions": [fixed], "VulnerableVersions": [f"<{fixed}"]}
    source = {"ID": "test", "Name": "Test advisories", "URL": "https://example.com"}
    detail = {"Title": "Planted", "Severity": "HIGH", "VendorSeverity": {"test": 3}}
    return bolt({
        "data-source": {SOURCE: json.dumps(source).encode()},
        SOURCE: {package: {identifier: json.dumps(advisory).encode()}},
        "vulnerability": {identifier: json.dumps(detail).encode()},
    })  # fmt: skip


def bolt(buckets: Buckets) -> bytes:
    """Write a bbolt file: two copies of its head, an empty list of free pages, and one leaf."""
    root = leaf(3, buckets)
    root += bytes(-len(root) % PAGE)
    pages = 3 + len(root) // PAGE
    root = root[:12] + struct.pack("<I", len(root) // PAGE - 1) + root[16:]
    return meta(0, pages) + meta(1, pages) + head(2, FREE, 0).ljust(PAGE, b"\0") + root


def meta(number: int, pages: int) -> bytes:
    content = struct.pack("<4I5Q", MAGIC, VERSION, PAGE, 0, 3, 0, 2, pages, number)
    return (head(number, META, 0) + content + struct.pack("<Q", fnv(content))).ljust(PAGE, b"\0")


def fnv(content: bytes) -> int:
    """Return the 64-bit FNV-1a hash, which guards the head."""
    total = 0xCBF29CE484222325
    for byte in content:
        total = (total ^ byte) * 0x100000001B3 % 2**64
    return total


def head(number: int, kind: int, count: int) -> bytes:
    return struct.pack("<QHHI", number, kind, count, 0)


def leaf(number: int, buckets: Buckets) -> bytes:
    """Write a page of keys and values; a bucket inside it begins with the page number 0."""
    elements, data = b"", b""
    for done, (name, value) in enumerate(sorted(buckets.items())):
        inside = isinstance(value, dict)
        content = struct.pack("<2Q", 0, 0) + leaf(0, value) if inside else value
        place = 16 * (len(buckets) - done) + len(data)
        elements += struct.pack("<4I", BUCKET * inside, place, len(name), len(content))
        data += name.encode() + content
    return head(number, LEAF, len(buckets)) + elements + data


def serve(registry: str, content: bytes) -> str:
    """Push a database to a registry; return what TRIVY_DB_REPOSITORY has to be."""
    times = dict.fromkeys(("UpdatedAt", "DownloadedAt"), "2026-01-01T00:00:00Z")
    metadata = {"Version": 2, "NextUpdate": "2126-01-01T00:00:00Z", **times}
    files = {"trivy.db": content, "metadata.json": json.dumps(metadata).encode()}
    layer = upload(registry, packed(files), LAYER)
    layer["annotations"] = {"org.opencontainers.image.title": "db.tar.gz"}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": upload(registry, b"{}", CONFIG),
        "layers": [layer],
    }
    send(f"http://{registry}/v2/trivy-db/manifests/2", "PUT", json.dumps(manifest).encode())
    return f"{registry}/trivy-db:2"


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), mtime=0)


def upload(registry: str, content: bytes, media_type: str) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    place = send(f"http://{registry}/v2/trivy-db/blobs/uploads/", "POST")
    send(f"{place}{'&' if '?' in place else '?'}digest={digest}", "PUT", content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def send(address: str, method: str, content: bytes | None = None) -> str:
    """Send a request; return where it says to go on."""
    headers = {"Content-Type": MANIFEST}
    answer = requests.request(method, address, data=content, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.headers.get("Location", "")
