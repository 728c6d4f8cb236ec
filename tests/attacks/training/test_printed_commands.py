"""Number 11: what a model's code prints is a workflow command, or a terminal's escape sequence."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.table import Table

from contract.bundle import Check
from contract.console import printable
from ship import command, git
from ship.build.build import bake
from ship.build.workspace import Workspace
from ship.deploy import commands
from ship.deploy.compose import containers
from ship.deploy.history import Entry
from ship.errors import StageError
from ship.host import tables
from ship.pipeline import summary
from ship.pipeline.stages import Run
from ship.registry.catalogue import PublishedImage, rounded
from ship.registry.catalogue import row as row_of_models
from ship.registry.remote import Registry
from tests.attacks.conftest import attack
from tests.support.checkouts.fork import MODEL, Fork
from tests.support.models.folder import FOREST

PAYLOADS = (
    "::set-env name=PATH::/tmp",
    "   \t::add-mask::a",
    "\x1b[2J\x1b]0;title\x07::error::cleared",
    "\u200b::error::hidden",
    "before ##[set-output name=a;]b",
    "\r::stop-commands::all",
    "\x0b::error::tab",
    "\u2028::error::separator",
    "\x9b31mred",
    "right\u202eleft",
)
COMMAND = re.compile(r"^\s*::|##\[")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]")


def assert_inert(text: str) -> None:
    """Assert that neither a terminal nor a runner obeys anything in the text."""
    for line in re.split(r"\r\n|\r|\n", text):
        assert not COMMAND.search(line), repr(line)
        assert not CONTROLS.search(line), repr(line)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_printable_text_is_obeyed_by_nobody(payload: str) -> None:
    """Printable text holds no workflow command, wherever in it one is written."""
    for text in (payload, f"first\n{payload}", f"    {payload}", payload * 2):
        assert_inert(printable(text))


def test_printable_text_is_otherwise_as_it_was() -> None:
    """Lines, tabs, other scripts and colons within a line stay."""
    text = "größe\t日本: a::b C++ std::sort\n    second line\n"
    assert printable(text) == text


LINK = "[link=https://example.com]name[/link]"
HOSTILE = "\n".join((*PAYLOADS, LINK, "\x1b]52;c;QQ==\x07"))


class Terminal(io.StringIO):
    """What is printed on it is printed with colours."""

    def isatty(self) -> bool:
        """Return that it is a terminal."""
        return True


def hostile_image() -> PublishedImage:
    """Return an image whose labels say nothing that may be obeyed."""
    return PublishedImage(digest=HOSTILE, tags=[HOSTILE], created=HOSTILE, revision=HOSTILE,
                          version=HOSTILE, claimed=False, metrics={HOSTILE: HOSTILE}, size=1,
                          beside=[HOSTILE], unread=HOSTILE)  # fmt: skip


def entry() -> Entry:
    """Return what became of a deployment whose container said its last words."""
    return Entry(when=HOSTILE, who=HOSTILE, action="deploy", model=HOSTILE, digest=HOSTILE,
                 previous=None, result="undone", reason=LINK + HOSTILE)  # fmt: skip


def run_of(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return the run of a bundle that claims a metric with a name of its own choice."""
    check = Check(metric=HOSTILE, bound="min", threshold=0.5, value=1.0, passed=True)
    manifest = SimpleNamespace(
        evaluation="claimed", gate=SimpleNamespace(checks=[check]), runtime="onnx"
    )
    monkeypatch.setattr(Workspace, "manifest", manifest)
    run = Run(Workspace("iris", "python:3.13"))
    run.seconds["train"] = 1.0
    return run


@pytest.mark.parametrize("make_stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("word", ["pipeline", "models", "history"])
def test_tables_hold_text_alone(
    word: str, make_stream: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Text in a table is never a link, a control or a command; only our own words have colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "400")
    stream = make_stream()
    monkeypatch.setattr(sys, "stdout", stream)
    cells = {
        "models": lambda: row_of_models(hostile_image()),
        "history": lambda: commands.row(entry()),
    }
    if word == "pipeline":
        grid = summary.table([run_of(monkeypatch)])
    else:
        grid = Table(*(["title"] * 7))
        grid.add_row(*cells[word]())
    tables.show(grid, 400)
    printed = stream.getvalue()
    assert LINK in printed
    coloured = re.findall(r"\x1b\[[0-9;]*m", printed)
    assert bool(coloured) == (make_stream is Terminal)
    assert_inert(re.sub(r"\x1b\[[0-9;]*m", "", printed))


def test_label_that_is_no_number_is_shown() -> None:
    """A metric of a foreign image may have any value."""
    assert rounded("0.123456") == "0.1235"
    assert rounded("many") == "many"


PROGRAM = f"""\
import sys
from contract.console import guard

guard()
for line in {PAYLOADS!r}:
    print(line, flush=True)
    print(line, file=sys.stderr)
for stream in (sys.stdout, sys.stderr):
    for part in (":", ":error", "::begun", "\\n", "#", "#", "[error]", "\\ud800\\n"):
        stream.write(part)
        stream.flush()
sys.stdout.write("::last")
raise ValueError({HOSTILE!r})
"""


def test_guarded_process_prints_nothing_that_is_obeyed() -> None:
    """A guarded process prints nothing to obey, in pieces or in the traceback it ends with."""
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=git.TOOL, capture_output=True, check=False
    )
    for text in (process.stdout.decode(), process.stderr.decode()):
        assert_inert(text)
        assert "set-env name=PATH" in text
        assert ": :error::begun\n## [error]\n" in text
    assert process.stdout.decode().endswith(": :last")
    assert b"ValueError: " in process.stderr


@pytest.mark.slow
@pytest.mark.parametrize("module", ["ship", "ship.github", "train.new_model"])
def test_every_command_of_ours_is_guarded(module: str, tmp_path: Path) -> None:
    """Each command is guarded before argparse repeats its arguments."""
    csv = tmp_path / "data.csv"
    csv.write_text("a,b\n1,2\n")
    payload = "\n::error::a\n##[error]b\x1b]52;c;QQ==\x07"
    process = subprocess.run(
        [sys.executable, "-m", module, payload, str(csv), payload],
        cwd=git.TOOL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode != 0
    assert "error" in process.stderr
    assert_inert(process.stdout + process.stderr)


DOCKER = """\
#!/bin/sh
printf '#5 0.1 \\377\\n#5 0.2 ::error::said\\n'
printf '\\377\\n' >&2
"""


def test_no_byte_ends_who_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that are not UTF-8 in the output of a build or container are replaced."""
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    build = Workspace("iris", "python:3.13", tmp_path / "dist")
    bake(build, "bundle", {}, cache=True)
    assert "#5 0.1 \ufffd\n" in (build.folder / "bundle.log").read_text(encoding="utf-8")
    assert "\ufffd" in command.run("docker")
    assert "\ufffd" in containers.docker("ps")
    assert "\ufffd" in containers.last_words({"Id": "a"})
    (tmp_path / "skopeo").write_text(f"{DOCKER}exit 1\n")
    (tmp_path / "skopeo").chmod(0o755)
    with pytest.raises(StageError, match="from skopeo: \ufffd"):
        Registry("127.0.0.1:1/iris").tags()


FAILING = f"""\
import sys
import pytest
from tests.conftest import pytest_runtest_makereport

@pytest.fixture
def container():
    yield
    print({HOSTILE!r})

def test_container(container):
    print({HOSTILE!r})
    print({HOSTILE!r}, file=sys.stderr)
    assert not {HOSTILE!r}, {HOSTILE!r}
"""


@pytest.mark.slow
def test_tests_print_nothing_that_is_obeyed(tmp_path: Path) -> None:
    """Pytest prints nothing to obey of a test's output or of its failure."""
    (tmp_path / "test_failing.py").write_text(FAILING)
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_runtest_makereport\n")
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-ra", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(git.TOOL)}, cwd=tmp_path, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 1, process.stdout
    assert "set-env name=PATH" in process.stdout
    assert_inert(process.stdout + process.stderr)


PRINTS = f"""\
import sys

for line in {PAYLOADS!r}:
    print(line)
    print(line, file=sys.stderr)
"""


@pytest.mark.nightly
@pytest.mark.engine
@pytest.mark.parametrize("ending", [FOREST, f"raise ValueError('\\n'.join({PAYLOADS!r}))"])
def test_training_prints_nothing_that_is_obeyed(fork: Fork, ending: str) -> None:
    """A training that ends well or fails leaves nothing to obey in output, log or error."""
    attack(fork, f"{PRINTS}\n{ending}\n")
    process = fork.make("train", MODEL=MODEL)
    assert (process.returncode == 0) == (ending == FOREST), process.stdout + process.stderr
    log = (fork.root / "dist" / MODEL / "bundle.log").read_text()
    for text in (process.stdout, process.stderr, log):
        assert_inert(text)
    assert "set-env name=PATH" in process.stdout
    assert "set-env name=PATH" in log
