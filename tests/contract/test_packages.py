"""A model's own packages: what its lock may say, and what it adds to the tool's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract.errors import ModelError
from contract.packages import additions, check, names_in, read_lock
from ship import git

HASH = f"--hash=sha256:{'0' * 64}"
SHARED = f"# made by uv\nnumpy==2.5.5 \\\n    {HASH} \\\n    {HASH}\npandas==3.1.1 \\\n    {HASH}\n"
OWN = f"numpy==2.5.5 {HASH}\nxgboost-cpu==3.4.1 \\\n    {HASH}\nSix_Pack==1 {HASH}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder with packages of its own, and the tool's lock beside it."""
    folder = tmp_path / "wine"
    folder.mkdir()
    (tmp_path / "shared.txt").write_text(SHARED)
    (folder / "requirements.in").write_text("xgboost_cpu >= 3 # small\n\n# none\nsix.pack\n")
    (folder / "requirements.txt").write_text(OWN)
    return folder


def own(folder: Path) -> Path:
    """Return the lock of the model."""
    return folder / "requirements.txt"


def shared(folder: Path) -> Path:
    """Return the lock of the tool."""
    return folder.parent / "shared.txt"


def test_a_lock_adds_what_is_not_shared(folder: Path) -> None:
    """What the tool has installed already is not installed again."""
    added = additions(own(folder), shared(folder))
    assert [entry.name for entry in added] == ["xgboost-cpu", "six-pack"]
    assert added[0].line == f"xgboost-cpu==3.4.1 {HASH}"
    chosen = additions(own(folder), shared(folder), ["xgboost-cpu", "numpy"])
    assert [entry.name for entry in chosen] == ["xgboost-cpu"]


def test_the_builder_prints_what_pip_gets(folder: Path) -> None:
    """The module runs by itself, and without a lock prints nothing."""
    command = [sys.executable, "-m", "contract.packages", str(own(folder)), str(shared(folder))]
    only = subprocess.check_output([*command, "--only", "six-pack"], cwd=git.TOOL, text=True)
    assert only == f"Six_Pack==1 {HASH}\n"
    own(folder).unlink()
    assert subprocess.check_output(command, cwd=git.TOOL, text=True) == ""


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://elsewhere.example/simple",
        "--extra-index-url=https://elsewhere.example",
        "-r /etc/passwd",
        "-e .",
        "xgboost==3",
        "xgboost>=3 " + HASH,
        "xgboost @ https://elsewhere.example/xgboost.whl " + HASH,
        "xgboost==3 --hash=md5:0",
        f"xgboost==3 {HASH} --config-settings=x",
    ],
)
def test_a_lock_gives_pip_no_orders(folder: Path, line: str) -> None:
    """A lock that somebody edited cannot send pip elsewhere, or install what has no hash."""
    own(folder).write_text(f"{OWN}{line}\n")
    with pytest.raises(ModelError, match=r"must be a lock.* Run: make lock MODEL=wine"):
        additions(own(folder), shared(folder))


def test_platforms_may_have_versions_of_their_own(folder: Path) -> None:
    """A package that is locked apart for several platforms is all of its lines."""
    marker = "; python_full_version < '3.12'"
    own(folder).write_text(f"xgboost==3 {marker} {HASH}\nxgboost==4 {HASH}\n")
    assert [entry.version for entry in read_lock(own(folder))] == ["3", "4"]


def test_another_version_than_the_tools_is_refused(folder: Path) -> None:
    """Shared libraries stay equal, or pickles and graphs of other libraries would be made."""
    own(folder).write_text(f"numpy==1.0 {HASH}\n")
    words = r"numpy==2.5.5, as shared.txt has it. Got 1.0 instead. Run: make lock MODEL=wine"
    with pytest.raises(ModelError, match=words):
        additions(own(folder), shared(folder))


def test_a_package_that_is_imported_must_be_locked(folder: Path) -> None:
    """A name that a manifest claims is only installed by the lock."""
    with pytest.raises(ModelError, match="a lock of evil, which the model imports"):
        additions(own(folder), shared(folder), ["evil"])


def test_a_folder_has_both_files_or_none(folder: Path) -> None:
    """What is asked for and what is locked belong together; each mistake names the word to run."""
    check(folder, [shared(folder)])
    assert names_in(folder / "requirements.in") == ["xgboost-cpu", "six-pack"]
    (folder / "requirements.in").write_text("lightgbm\n")
    with pytest.raises(ModelError, match=r"a lock of lightgbm.*Run: make lock MODEL=wine"):
        check(folder, [shared(folder)])
    own(folder).unlink()
    with pytest.raises(ModelError, match=r"no such file instead\. Run: make lock MODEL=wine"):
        check(folder, [shared(folder)])
    own(folder).write_text(OWN)
    (folder / "requirements.in").unlink()
    with pytest.raises(ModelError, match="Write it: a line for each package"):
        check(folder, [shared(folder)])
    own(folder).unlink()
    check(folder, [shared(folder)])
