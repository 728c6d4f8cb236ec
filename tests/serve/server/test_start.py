"""A bundle that must not be served is refused at start, with one line and its own exit code."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import pickle
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract import bundle as bundles
from contract.bundle import Bundle, encode
from serve import errors
from serve.__main__ import main
from serve.api.service import Service
from serve.monitoring.logs import Log
from serve.settings import Settings
from tests.support.servers.bundles import flowers, rewrite
from tests.support.servers.server import ROOT, command

IMPORT_ALL = """
import importlib
import pkgutil

import serve

for module in pkgutil.walk_packages(serve.__path__, "serve."):
    importlib.import_module(module.name)
"""
pytestmark = pytest.mark.slow  # starts servers


@pytest.fixture
def bundle(make_bundle: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(make_bundle("flowers"), tmp_path / "flowers"))


@pytest.fixture
def pickle_bundle(make_bundle: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy with a pickle, to damage."""
    return Path(shutil.copytree(make_bundle("joblib"), tmp_path / "joblib"))


def change_manifest(bundle: Path, **changes: Any) -> None:
    """Replace fields of a bundle's manifest."""
    content = json.loads((bundle / "manifest.json").read_bytes())
    (bundle / "manifest.json").write_text(json.dumps(content | changes))


Refused = Callable[[Path, type[errors.Failure], str], None]


@pytest.fixture
def assert_refused(capfd: pytest.CaptureFixture[str]) -> Refused:
    """Both the server and `check` end with the failure's code and one line that says why."""

    def check(bundle: Path, failure: type[errors.Failure], words: str) -> None:
        serving = command(BUNDLE=bundle, PORT=0, HOST="127.0.0.1")
        lines = [json.loads(line) for line in serving.stdout.splitlines()]
        (line,) = [line for line in lines if line["level"] == "error"]
        assert (failure.exit_code, b"") == (serving.returncode, serving.stderr)
        assert (failure.__name__, failure.exit_code) == (line["error"], line["exit_code"])
        assert words in line["message"]
        assert main(["check", str(bundle)]) == failure.exit_code
        printed = capfd.readouterr()
        assert printed.err == f"{failure.__name__}: {line['message']}\n"
        assert printed.out == ""

    return check


def test_changed_file_is_refused(bundle: Path, assert_refused: Refused) -> None:
    """A model file with another hash than the manifest records is not loaded."""
    content = (bundle / "model.onnx").read_bytes()
    (bundle / "model.onnx").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert_refused(bundle, errors.BrokenBundle, "sha256")


def test_longer_file_is_refused(bundle: Path, assert_refused: Refused) -> None:
    """A model file of another size is not read to its end."""
    with (bundle / "model.onnx").open("ab") as file:
        file.write(b"x")
    assert_refused(bundle, errors.BrokenBundle, "bytes. Got")


def test_missing_file_is_refused(bundle: Path, assert_refused: Refused) -> None:
    """A bundle without one of its files is not served."""
    (bundle / "examples.json").unlink()
    assert_refused(bundle, errors.BrokenBundle, "must exist")


def test_missing_bundle_is_refused(tmp_path: Path, assert_refused: Refused) -> None:
    """No bundle, no server."""
    assert_refused(tmp_path / "nothing", errors.BrokenBundle, "must be a readable bundle manifest")


def test_other_schema_version_is_refused(bundle: Path, assert_refused: Refused) -> None:
    """A bundle of another schema version is refused."""
    change_manifest(bundle, schema_version=99)
    assert_refused(bundle, errors.BrokenBundle, "schema_version must be 4. Got 99")


def test_failed_gate_is_refused(tmp_path: Path, assert_refused: Refused) -> None:
    """A bundle whose gate failed is not served."""
    assert_refused(flowers(tmp_path / "bad", gate=False), errors.GateFailed, "score is 0.9")


def test_model_that_is_none_is_refused(bundle: Path, assert_refused: Refused) -> None:
    """A file that onnxruntime cannot load is not served."""
    rewrite(bundle, "model.onnx", b"not a model")
    assert_refused(bundle, errors.BrokenModel, "onnxruntime")


def test_wrong_golden_answer_is_refused(bundle: Path, assert_refused: Refused) -> None:
    """A model that answers otherwise than in training is not served."""
    examples = json.loads((bundle / "examples.json").read_bytes())
    examples[3]["probabilities"] = [0.2, 0.3, 0.5]
    rewrite(bundle, "examples.json", json.dumps(examples).encode())
    assert_refused(bundle, errors.WrongAnswer, "Golden example 3 must be answered with")


def test_golden_answer_without_its_probabilities_is_refused(
    bundle: Path, assert_refused: Refused
) -> None:
    """An example that records fewer numbers than the model answers is no proof of it."""
    examples = json.loads((bundle / "examples.json").read_bytes())
    del examples[3]["probabilities"]
    rewrite(bundle, "examples.json", json.dumps(examples).encode())
    assert_refused(bundle, errors.WrongAnswer, "Golden example 3 must be answered with")


def test_bundle_without_golden_examples_is_refused(bundle: Path, assert_refused: Refused) -> None:
    """A bundle that cannot show that its model works is not served, nor checked by numpy."""
    content = json.loads((bundle / "manifest.json").read_bytes())
    files = content["files"]
    files["examples.json"] = {"sha256": hashlib.sha256(b"[]\n").hexdigest(), "bytes": 3}
    change_manifest(bundle, files=files)
    (bundle / "examples.json").write_bytes(b"[]\n")
    assert_refused(bundle, errors.BrokenBundle, "must hold golden examples")


class Exits:
    """A pickle that ends the process that loads it, as if all were well."""

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.exit, (0,)


@pytest.mark.parametrize(
    ("pickled", "words"),
    [
        (len, "Got AttributeError: 'builtin_function_or_method' object has no attribute 'predict'"),
        (Exits(), "Got SystemExit: 0"),
    ],
)
def test_model_that_raises_is_refused(
    pickle_bundle: Path, assert_refused: Refused, pickled: object, words: str
) -> None:
    """Whatever a model raises while it is loaded is one line of the log, and ends the server."""
    rewrite(pickle_bundle, "model.joblib", pickle.dumps(pickled))
    assert_refused(pickle_bundle, errors.Crashed, words)


@pytest.mark.nightly
def test_model_that_raises_ends_all_workers(pickle_bundle: Path) -> None:
    """The log has the traceback, and no worker is started again to raise the same."""
    rewrite(pickle_bundle, "model.joblib", pickle.dumps(len))
    ended = command(BUNDLE=pickle_bundle, PORT=0, HOST="127.0.0.1", WORKERS=2)
    assert (errors.Crashed.exit_code, b"") == (ended.returncode, ended.stderr)
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    failures = [line for line in lines if line["level"] == "error"]
    assert 1 <= len(failures) <= 2
    assert "has no attribute 'predict'" in failures[0]["traceback"]


def test_error_after_the_model_was_loaded_ends_the_server(
    make_bundle: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of the server's own, on the way to being ready, is a failure like any other."""

    def raises(*_: object) -> None:
        raise ValueError("no such thing")

    monkeypatch.setattr(Service, "accept", raises)
    bundle = make_bundle("flowers")
    service = Service(bundles.read(bundle), Settings(bundle=str(bundle)), Log(io.BytesIO()))
    asyncio.run(service.load())
    assert isinstance(service.failure, errors.Crashed)
    assert "Got ValueError: no such thing" in str(service.failure)


def test_error_before_the_port_is_open_is_a_line_of_the_log(
    make_bundle: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A server that cannot even begin to load says so in its log, as all that it says."""

    def raises(*_: object) -> None:
        raise KeyError("name")

    monkeypatch.setattr("serve.server.run.Service", raises)
    monkeypatch.setenv("BUNDLE", str(make_bundle("flowers")))
    assert main([]) == errors.Crashed.exit_code
    printed = capfdbinary.readouterr()
    assert printed.err == b""
    assert "Got KeyError: 'name'" in json.loads(printed.out)["message"]


@pytest.mark.nightly
def test_other_scikit_learn_is_refused(pickle_bundle: Path, assert_refused: Refused) -> None:
    """A pickle is loaded by the scikit-learn that made it and by no other."""
    change_manifest(pickle_bundle, libraries={"scikit-learn": "0.0.1"})
    assert_refused(pickle_bundle, errors.WrongLibrary, "scikit-learn must be 0.0.1")


def test_taken_port_is_refused(bundle: Path) -> None:
    """A port in use is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command(BUNDLE=bundle, HOST="127.0.0.1", PORT=port)
    assert errors.CannotListen.exit_code == ended.returncode
    assert f"127.0.0.1:{port}".encode() in ended.stdout


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("PORT", "70000"), ("MAX_ROWS", "0"), ("LOG_INPUTS", "2")]
)
def test_wrong_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    name: str,
    value: str,
) -> None:
    """A setting that makes no sense is named, with what was expected and what came."""
    monkeypatch.setenv(name, value)
    assert main([]) == errors.InvalidSetting.exit_code
    line = json.loads(capfdbinary.readouterr().out)
    assert re.match(f"{name} must be .*Got '{value}' instead", line["message"])


def test_check_accepts_every_good_bundle(
    any_bundle: Bundle, capfd: pytest.CaptureFixture[str]
) -> None:
    """`check` answers the golden examples and says so."""
    assert main(["check", str(any_bundle.path)]) == 0
    name = any_bundle.manifest.name
    assert capfd.readouterr() == (f"{name}: 12 golden examples answered as recorded\n", "")


def test_info_prints_the_manifest(
    any_bundle: Bundle, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """`info` prints what the manifest holds."""
    assert main(["info", str(any_bundle.path)]) == 0
    assert encode(any_bundle.manifest) == capfdbinary.readouterr().out


def test_every_failure_has_its_own_code() -> None:
    """Exit codes tell failures apart; 1 is what a health check needs."""
    kinds = errors.Failure.__subclasses__()
    codes = [kind.exit_code for kind in kinds]
    assert sorted(set(codes)) == sorted(codes)


def test_port_is_open_before_what_takes_long_is_imported() -> None:
    """The server imports neither numpy nor FastAPI before it listens."""
    code = "import sys, serve.server.run; sys.exit(bool({'numpy', 'fastapi'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_image_holds_all_that_the_server_imports(tmp_path: Path) -> None:
    """Of the contract an image has the parts that the Dockerfile copies, and no others."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    stage = dockerfile.partition(" AS code-onnx\n")[2].partition("\nFROM ")[0]
    for line in re.findall("^COPY (.*)$", stage, re.MULTILINE):
        *sources, target = line.split()
        for source in map(ROOT.joinpath, sources):
            if source.is_dir():
                shutil.copytree(source, tmp_path / target)
            else:
                (tmp_path / target).mkdir(exist_ok=True)
                shutil.copy(source, tmp_path / target)
    process = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=tmp_path, check=False)
    assert process.returncode == 0
