"""Files of a real S3-compatible store, and of a stand-in for Google's."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from contract.spec.credentials import SECRETS
from tests.support.models.folder import Folder, two_classes
from tests.support.servers import object_stores
from tests.support.servers.object_stores import BUCKET, KEY, SECRET, Store
from tests.train.data.test_sources import pointed, printed_sha256, write
from train.data import dataset, secrets
from train.data.download import absent

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def s3_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that checks signatures."""
    folder = tmp_path_factory.mktemp("s3")
    with object_stores.s3(folder) as store:
        fill(store, folder)
        yield store


@pytest.fixture(scope="module")
def gs_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that checks no credentials."""
    folder = tmp_path_factory.mktemp("gs")
    with object_stores.gs(folder) as store:
        fill(store, folder)
        yield store


def fill(store: Store, folder: Path) -> None:
    """Write a table into one file of a store, and into a folder of two."""
    store.put("table.csv", two_classes().encode())
    store.put("parts/a.csv", two_classes(20).encode())
    write(folder / "second", "parquet")
    store.put("parts/b c/ü.parquet", (folder / "second").read_bytes())
    store.put("parts/_SUCCESS", b"")


@pytest.fixture
def s3(s3_store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """The scheme of the addresses, whose credentials are set."""
    set_variables(s3_store, monkeypatch)
    return "s3"


@pytest.fixture
def gs(gs_store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """The scheme of the addresses, for which nothing but the store's own address is set."""
    set_variables(gs_store, monkeypatch)
    return "gs"


@pytest.fixture(params=["s3", "gs"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Each kind of store in turn."""
    return str(request.getfixturevalue(request.param))


def set_variables(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read from a store from now on, and with no credential of this machine."""
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    for name, value in store.variables.items():
        monkeypatch.setenv(name, value)


def test_file_of_a_store_is_pinned_by_its_bytes(folder: Folder, scheme: str) -> None:
    """A file gives the rows that it gives from a disk, under the sha256 of its bytes."""
    expected = dataset.load(folder.write(two_classes()))
    source = f'source = "{scheme}://{BUCKET}/table.csv"'
    sha256 = printed_sha256(pointed(folder, source))
    assert sha256 == hashlib.sha256(two_classes().encode()).hexdigest()
    data = dataset.load(pointed(folder, source, sha256))
    pd.testing.assert_frame_equal(data.X, expected.X)
    assert data.y.tolist() == expected.y.tolist()


def test_folder_of_a_store_is_one_table(folder: Folder, scheme: str) -> None:
    """All files below an address are read by path, those apart that hold no rows."""
    source = f'source = "{scheme}://{BUCKET}/parts"'
    sha256 = printed_sha256(pointed(folder, source))
    assert dataset.load(pointed(folder, source, sha256)).ids.tolist() == list(range(60))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("nowhere/table.csv", "no bucket nowhere"),
        (f"{BUCKET}/none.csv", f"no file at {{scheme}}://{BUCKET}/none.csv"),
    ],
)
def test_message_names_what_is_not_there(
    folder: Folder, scheme: str, path: str, words: str
) -> None:
    """A bucket that does not exist and a file that is not in it are two mistakes."""
    message = absent(pointed(folder, f'source = "{scheme}://{path}"'))
    assert words.format(scheme=scheme) in message


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong-word"}, "ACCESS_DENIED"),
        ({"AWS_ACCESS_KEY_ID": "NOBODY"}, "No user exists with the provided access key"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "ACCESS_DENIED"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "AWS_SECRET_ACCESS_KEY without the other"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "NETWORK_CONNECTION"),
    ],
)
def test_store_refuses_other_keys(
    folder: Folder,
    s3: str,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, str],
    words: str,
) -> None:
    """The store's answer is in the message, and neither key is."""
    for name, value in changed.items():
        monkeypatch.setenv(name, value)
    message = absent(pointed(folder, f'source = "{s3}://{BUCKET}/table.csv"'))
    assert words in message
    assert not [word for word in (KEY, SECRET, *changed.values()) if word and word in message]


def test_key_of_google_is_read_from_memory(
    folder: Folder, gs: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Google's client signs with a key whose content alone is known; a broken one is named."""
    command = ["openssl", "genpkey", "-algorithm=RSA"]
    key = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    content = {"type": "service_account", "client_email": "a@example.com", "private_key": key}
    source = f'source = "{gs}://{BUCKET}/table.csv"'
    name = "GOOGLE_APPLICATION_CREDENTIALS"
    monkeypatch.setenv(name, json.dumps(content))
    secrets.load(tmp_path / "none")
    assert absent(pointed(folder, source, hashlib.sha256(two_classes().encode()).hexdigest())) == ""
    monkeypatch.setenv(name, json.dumps(content | {"private_key": "hunter2"}))
    secrets.load(tmp_path / "none")
    message = absent(pointed(folder, source))
    assert "private_key" in message or "PEM" in message
    assert "hunter2" not in message
