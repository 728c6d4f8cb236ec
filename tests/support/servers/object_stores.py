"""Object stores of a test's own, made of what `make .stores` builds."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyarrow import fs

from ship.supply_chain.scan import TOOLS
from tests.support.images.fixtures import wait_for
from tests.support.names import free_address

BUCKET = "rows"
KEY, SECRET, REGION = "KEYOFATEST", "hunter2-of-a-test", "eu-central-1"  # nobody's


class Store:
    """A store that a test writes to, and the variables by which a training reads from it."""

    def __init__(self, writer: fs.FileSystem, variables: dict[str, str]) -> None:
        self.writer, self.variables = writer, variables
        writer.create_dir(BUCKET)

    def put(self, name: str, content: bytes) -> None:
        """Write a file into the bucket."""
        with self.writer.open_output_stream(f"{BUCKET}/{name}") as stream:
            stream.write(content)


@contextmanager
def s3(folder: Path) -> Iterator[Store]:
    """Yield an S3-compatible store, versitygw, which checks the signature of every request."""
    address = free_address()
    for name in ("data", "metadata"):
        (folder / name).mkdir()
    command = [
        "versitygw", f"--access={KEY}", f"--secret={SECRET}", f"--region={REGION}",
        f"--port={address}", "posix", f"--sidecar={folder / 'metadata'}", str(folder / "data"),
    ]  # fmt: skip
    with running(command, address, folder):
        writer = fs.S3FileSystem(
            access_key=KEY, secret_key=SECRET, region=REGION, endpoint_override=address,
            scheme="http", allow_bucket_creation=True,
        )  # fmt: skip
        yield Store(
            writer,
            {
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": f"http://{address}",
            },
        )


@contextmanager
def gs(folder: Path) -> Iterator[Store]:
    """Yield a store with Google's interface, fake-gcs-server, which checks no credentials."""
    address = free_address()
    host, _, port = address.partition(":")
    command = ["fake-gcs-server", "-scheme=http", f"-host={host}", f"-port={port}",
               f"-public-host={address}", "-backend=memory"]  # fmt: skip
    with running(command, address, folder):
        writer = fs.GcsFileSystem(
            anonymous=True, endpoint_override=address, scheme="http", project_id="test",
            default_bucket_location="EU",
        )  # fmt: skip
        yield Store(writer, {"STORAGE_EMULATOR_HOST": f"http://{address}"})


@contextmanager
def running(command: list[str], address: str, folder: Path) -> Iterator[None]:
    """Run a server that listens on an address, and end it."""
    program = shutil.which(command[0], path=f"{TOOLS}:{os.environ['PATH']}")
    assert program, f"{command[0]} must be there: make .stores"
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen([program, *command[1:]], stdout=log, stderr=log) as process,
    ):
        try:
            wait_for(address)
            yield
        finally:
            process.terminate()
