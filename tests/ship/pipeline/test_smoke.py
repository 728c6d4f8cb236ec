"""The smoke stage: how it runs the tests of an image, and what it says of those that fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship import git
from ship.build.workspace import Workspace
from ship.errors import StageError
from ship.pipeline.smoke import failures, read_suite, smoke

pytestmark = pytest.mark.slow  # runs pytest in a process of its own
OPTIONS = """\
def pytest_addoption(parser):
    for name in ("image", "model", "results"):
        parser.addoption(f"--{name}")
"""
PASSING = """\
import pytest

def test_one(): pass
def test_two(request): assert request.config.getoption("--image") == "sha256:1"

@pytest.mark.skip
def test_three(): pass
"""
FAILING = """\
import pytest

@pytest.fixture
def container():
    print("E   forged")
    print("FAILED tests/forged")
    raise RuntimeError("no \\x1b[31m container\\n::error::x")

def test_start(container): pass
def test_health(): assert 1 + 1 == 3, "<!DOCTYPE x> " + "\\n".join("0123456789abcdef")
"""
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuites><testsuite/></testsuites>'


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace, beside tests of an image that need no image."""
    (tmp_path / "dist/iris").mkdir(parents=True)
    (tmp_path / "tests/image").mkdir(parents=True)
    (tmp_path / "tests/image/conftest.py").write_text(OPTIONS)
    monkeypatch.setattr(git, "TOOL", tmp_path)
    return Workspace("iris", "", tmp_path / "dist")


def write(content: str) -> None:
    """Write the one file of tests that the smoke stage runs."""
    (git.TOOL / "tests/image/test_image.py").write_text(content)


def test_smoke_counts_the_tests_that_passed(workspace: Workspace) -> None:
    """What was passed over has not passed."""
    write(PASSING)
    assert smoke(workspace, "sha256:1") == 2


def test_smoke_names_what_failed_and_why(workspace: Workspace) -> None:
    """From pytest's report: of what a container prints, nothing is taken for a reason."""
    write(FAILING)
    with pytest.raises(StageError) as refused:
        smoke(workspace, "sha256:1")
    assert str(refused.value) == (
        'test_start: failed on setup with "RuntimeError: no #x1B[31m container\n'
        '::error::x"\n'
        "test_health: AssertionError: <!DOCTYPE x> 0\n  1\n  2\n  3\n  4\n  5\n  6\n  7\n"
        f"The whole log: {workspace.folder / 'smoke.log'}"
    )
    assert "forged" in (workspace.folder / "smoke.log").read_text()


@pytest.mark.nightly
def test_smoke_that_tests_nothing_fails(workspace: Workspace) -> None:
    """Where pytest cannot begin, there is no report of it."""
    (git.TOOL / "tests/image/conftest.py").unlink()
    with pytest.raises(StageError, match=r"pytest ended with exit code 4\nThe whole log: "):
        smoke(workspace, "sha256:1")


def test_report_with_a_document_type_is_refused(tmp_path: Path) -> None:
    """Its entities could expand without an end."""
    (tmp_path / "smoke.xml").write_text(BOMB)
    with pytest.raises(StageError, match=r"smoke\.xml must hold no document type"):
        list(failures(read_suite(tmp_path / "smoke.xml")))
