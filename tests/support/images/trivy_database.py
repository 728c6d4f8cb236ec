"""Trivy databases of made-up vulnerabilities, for machines that cannot reach the real one."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from tests.support.images.oci_archives import MANIFEST, tar

CONFIG = "application/vnd.aquasec.trivy.config.v1+json"
LAYER = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
SCHEMA = 2
SOURCE = "pip::GitHub Security Advisory pip"  # Trivy looks Python packages up in all of pip::*
SEVERITIES = ("UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL")

# https://github.com/etcd-io/bbolt/tree/main/internal/common: page.go, meta.go, bucket.go
PAGE_SIZE = 4096
PAGE = struct.Struct("<QHHI")  # id, flags, count, overflow
ELEMENT = struct.Struct("<IIII")  # flags, position, key size, value size
BUCKET = struct.Struct("<QQ")  # root page, sequence
META = struct.Struct(
    "<IIII16sQQQ"
)  # magic, version, page size, 0, root, freelist, end, transaction
LEAF_PAGE, META_PAGE, FREELIST_PAGE = 0x02, 0x04, 0x10
IS_BUCKET = 1
FREELIST = 2  # pages 0 and 1 are the meta pages, and buckets follow page 2
Bucket = dict[str, "bytes | Bucket"]


@dataclass(frozen=True)
class Vulnerability:
    """One CVE of a Python package: every version before `fixed`, or all of them without a fix."""

    cve: str
    package: str
    fixed: str | None = None
    severity: str = "CRITICAL"

    @property
    def advisory(self) -> bytes:
        """The entry of the package: which versions are vulnerable."""
        if self.fixed is None:
            return encode({"VulnerableVersions": [">=0"]})
        return encode({"VulnerableVersions": [f"<{self.fixed}"], "PatchedVersions": [self.fixed]})

    @property
    def details(self) -> bytes:
        """The entry of the vulnerability: its title and its severity."""
        number = SEVERITIES.index(self.severity)
        return encode({"Title": f"{self.cve} of a test", "VendorSeverity": {"ghsa": number}})


def serve_database(
    registry: str, vulnerabilities: Iterable[Vulnerability], cache: Path
) -> dict[str, str]:
    """Serve a database that knows these only; return the environment that has Trivy use it."""
    updated = datetime.now(UTC)
    metadata = {
        "Version": SCHEMA,
        "UpdatedAt": updated.isoformat(),
        "NextUpdate": (updated + timedelta(days=1)).isoformat(),
    }
    files = {"trivy.db": bolt(buckets(vulnerabilities)), "metadata.json": encode(metadata)}
    repository = push(registry, gzip.compress(tar(files)))
    return {"TRIVY_DB_REPOSITORY": repository, "TRIVY_CACHE_DIR": str(cache)}


def push(registry: str, archive: bytes) -> str:
    """Push the archive as the artifact that Trivy downloads; its digest names the repository."""
    repository = f"trivy-db/{hashlib.sha256(archive).hexdigest()[:12]}"
    url = f"http://{registry}/v2/{repository}"
    title = {"org.opencontainers.image.title": "db.tar.gz"}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": push_blob(url, b"{}") | {"mediaType": CONFIG},
        "layers": [push_blob(url, archive) | {"mediaType": LAYER, "annotations": title}],
    }
    put(f"{url}/manifests/{SCHEMA}", encode(manifest), MANIFEST)
    return f"{registry}/{repository}:{SCHEMA}"


def push_blob(url: str, blob: bytes) -> dict[str, object]:
    """Push a blob to a registry, and return its digest and size."""
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    upload = requests.post(f"{url}/blobs/uploads/", timeout=10)
    upload.raise_for_status()
    put(f"{upload.headers['Location']}&digest={digest}", blob, "application/octet-stream")
    return {"digest": digest, "size": len(blob)}


def put(url: str, content: bytes, media_type: str) -> None:
    """Put content to an address, which must succeed."""
    answer = requests.put(url, content, headers={"Content-Type": media_type}, timeout=10)
    answer.raise_for_status()


def buckets(vulnerabilities: Iterable[Vulnerability]) -> Bucket:
    """Return what Trivy reads: the source, its advisories by package, and each CVE's details."""
    details: Bucket = {}
    packages: dict[str, Bucket] = {}
    for vulnerability in vulnerabilities:
        details[vulnerability.cve] = vulnerability.details
        packages.setdefault(vulnerability.package, {})[vulnerability.cve] = vulnerability.advisory
    source = encode({"ID": "ghsa", "Name": SOURCE.removeprefix("pip::")})
    return {"data-source": {SOURCE: source}, "vulnerability": details, SOURCE: {**packages}}


def bolt(root: Bucket) -> bytes:
    """Return a bbolt file, which is what Trivy's database is, with each bucket on its own leaf."""
    pages = [page(FREELIST, FREELIST_PAGE)]

    def write(bucket: Bucket) -> bytes:
        """Append the bucket after those inside it; return the value that leads to it."""
        items = [
            (key.encode(), IS_BUCKET, write(value)) if isinstance(value, dict)
            else (key.encode(), 0, value)
            for key, value in bucket.items()
        ]  # fmt: skip
        number = FREELIST + sum(map(len, pages)) // PAGE_SIZE
        pages.append(page(number, LEAF_PAGE, leaf(sorted(items)), len(items)))
        return BUCKET.pack(number, 0)

    start = write(root)
    end = FREELIST + sum(map(len, pages)) // PAGE_SIZE
    metas = [page(number, META_PAGE, meta(start, end, number)) for number in range(FREELIST)]
    return b"".join(metas + pages)


def leaf(items: list[tuple[bytes, int, bytes]]) -> bytes:
    """Return the elements of a leaf page, each with how far after itself its key begins."""
    elements, data = b"", b""
    for index, (key, flags, value) in enumerate(items):
        position = (len(items) - index) * ELEMENT.size + len(data)
        elements += ELEMENT.pack(flags, position, len(key), len(value))
        data += key + value
    return elements + data


def meta(root: bytes, end: int, transaction: int) -> bytes:
    """Return a meta page of bbolt, with its checksum."""
    content = META.pack(0xED0CDAED, 2, PAGE_SIZE, 0, root, FREELIST, end, transaction)
    return content + struct.pack("<Q", fnv1a(content))


def page(number: int, flags: int, content: bytes = b"", count: int = 0) -> bytes:
    """Return as many pages as the content needs; the header counts those after the first."""
    overflow = (PAGE.size + len(content) - 1) // PAGE_SIZE
    filled = PAGE.pack(number, flags, count, overflow) + content
    return filled.ljust((overflow + 1) * PAGE_SIZE, b"\0")


def fnv1a(content: bytes) -> int:
    """Return the 64-bit FNV-1a hash of the content."""
    checksum = 0xCBF29CE484222325
    for byte in content:
        checksum = (checksum ^ byte) * 0x100000001B3 % 2**64
    return checksum


def encode(value: object) -> bytes:
    """Return a value as JSON."""
    return json.dumps(value).encode()
