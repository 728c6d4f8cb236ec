"""Number 11: what a model's code prints is a workflow command, or a terminal's escape sequence."""

from __future__ import annotations

import re

import pytest

from ship.github.untrusted import printable
from tests.attacks.conftest import attack
from tests.ship.fork import MODEL, Fork
from tests.train.conftest import FOREST

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
    """Neither alone nor after other lines, however it is indented."""
    for text in (payload, f"first\n{payload}", f"    {payload}", payload * 2):
        assert_inert(printable(text))


def test_printable_text_is_otherwise_as_it_was() -> None:
    """Lines, tabs, other scripts and colons within a line stay."""
    text = "größe\t日本: a::b C++ std::sort\n    second line\n"
    assert printable(text) == text


PRINTS = f"""\
import sys

for line in {PAYLOADS!r}:
    print(line)
    print(line, file=sys.stderr)
"""


@pytest.mark.docker
@pytest.mark.parametrize("ending", [FOREST, f"raise ValueError('\\n'.join({PAYLOADS!r}))"])
def test_training_prints_nothing_that_is_obeyed(fork: Fork, ending: str) -> None:
    """Neither in the build's output nor in its log, nor in the error of a code that fails."""
    attack(fork, f"{PRINTS}\n{ending}\n")
    done = fork.make("train", MODEL=MODEL)
    assert (done.returncode == 0) == (ending == FOREST), done.stdout + done.stderr
    log = (fork.root / "dist" / MODEL / "bundle.log").read_text()
    for text in (done.stdout, done.stderr, log):
        assert_inert(text)
    assert "set-env name=PATH" in done.stdout
    assert "set-env name=PATH" in log
