"""Copy files from s3:// and gs:// addresses, by pyarrow's file systems."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import fs

from contract.spec.credentials import GOOGLE

CONNECT_SECONDS, REQUEST_SECONDS = 10, 60
FAILURES = (OSError, pa.ArrowException)
BLOCK = 4 * 1024**2  # bytes copied at a time


def copy(address: str, scratch: Path) -> dict[str, Path]:
    """Copy the file at an address, or all files of the folder there, into `scratch`.

    Returns the files by their path below the address, "" for a file. Raises one of FAILURES where
    the store does not answer or refuses, and FileNotFoundError where it has nothing there.
    """
    parts = urlsplit(address)
    store = s3(parts.netloc) if parts.scheme == "s3" else gs()
    path = f"{parts.netloc}{parts.path}".rstrip("/")
    copied: dict[str, Path] = {}
    for below, source in sorted(files(store, path)):
        target = scratch / str(len(copied))
        with store.open_input_stream(source) as stream, target.open("wb") as file:
            shutil.copyfileobj(stream, file, BLOCK)
        copied[below] = target
    if not copied:
        is_bucket = store.get_file_info(parts.netloc).type == fs.FileType.Directory
        what = f"no file at {address}" if is_bucket else f"no bucket {parts.netloc}"
        raise FileNotFoundError(what)
    return copied


def files(store: fs.FileSystem, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path of each file below `path`, and where it is."""
    if store.get_file_info(path).type == fs.FileType.File:
        yield "", path
        return
    for info in store.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True)):
        if info.type == fs.FileType.File:
            yield info.path.removeprefix(f"{path}/"), info.path


def s3(bucket: str) -> fs.S3FileSystem:
    """Return the store that the usual AWS_… variables name; without a key, it is read as public.

    Raises OSError for half of a key, and for a bucket that AWS does not know.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        region = "us-east-1" if endpoint else fs.resolve_s3_region(bucket)
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    key, secret, token = (os.environ.get(name) or None for name in names)
    if bool(key) != bool(secret):
        raise OSError(f"one of {names[0]} and {names[1]} without the other")
    return fs.S3FileSystem(
        access_key=key,
        secret_key=secret,
        session_token=token if key else None,
        anonymous=not key,
        region=region,
        endpoint_override=urlsplit(endpoint).netloc or None,
        scheme=urlsplit(endpoint).scheme or "https",
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
    )


def gs() -> fs.GcsFileSystem:
    """Return Google's store; without GOOGLE_APPLICATION_CREDENTIALS it is read as public."""
    emulator = urlsplit(os.environ.get("STORAGE_EMULATOR_HOST", ""))
    return fs.GcsFileSystem(
        anonymous=not os.environ.get(GOOGLE),
        endpoint_override=emulator.netloc or None,
        scheme=emulator.scheme or "https",
    )
