"""The repository keeps its own rules: who imports whom, what the README says, what is pinned."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from ship import git
from ship.build import base_image
from ship.supply_chain import publisher

ALLOWED = {
    "contract": {"contract"},
    "train": {"contract", "train"},
    "serve": {"contract", "serve"},
    "judge": {"contract", "judge"},
    "ship": {"contract", "judge", "ship"},
}


SIBLINGS = 15  # modules and packages of one room, beside its entry: about a dozen


@cache
def imported(file: Path) -> set[str]:
    """Return the dotted names of what a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@cache
def rooms() -> dict[str, list[Path]]:
    """Return the modules of each package, by its dotted name."""
    modules: dict[str, list[Path]] = {}
    for top in (*ALLOWED, "bench"):
        for file in git.files(f"{top}/*.py", root=git.TOOL):
            folder = file.parent.relative_to(git.TOOL)
            modules.setdefault(".".join(folder.parts), []).append(file)
    return modules


def siblings(room: str) -> dict[str, set[str]]:
    """Return what each module or package of a room imports of the others in it."""
    arrows: dict[str, set[str]] = {}
    for name, files in rooms().items():
        if f"{name}.".startswith(f"{room}."):
            for file in files:
                parts = file.relative_to(git.TOOL).with_suffix("").parts
                sibling = parts[room.count(".") + 1]
                inside = {name[len(room) + 1 :].partition(".")[0] for name in imported(file)
                          if name.startswith(f"{room}.")}  # fmt: skip
                arrows.setdefault(sibling, set()).update(inside - {sibling})
    return arrows


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_in_one_direction(package: str) -> None:
    """The packages import from the contract and themselves; ship from the judge too."""
    for file in git.files(f"{package}/*.py", root=git.TOOL):
        tops = {name.partition(".")[0] for name in imported(file)}
        assert tops & set(ALLOWED) <= ALLOWED[package], file


@pytest.mark.parametrize("room", rooms())
def test_rooms_are_small_and_have_a_door(room: str) -> None:
    """A room holds about a dozen siblings, and says in one sentence what is behind its door."""
    assert len(siblings(room).keys() - {"__init__", "__main__"}) <= SIBLINGS
    init = git.TOOL / room.replace(".", "/") / "__init__.py"
    sentence = ast.get_docstring(ast.parse(init.read_text()))
    assert sentence
    assert sentence.count("\n") == 0


# Where somebody new would begin each of these changes: a room of README's table, and in it a file
# and the name in it that is extended or joined by another one.
CHANGES = {
    "a new metric": ("contract/evaluation/", "metrics.py", "METRICS"),
    "a new kind of column": ("contract/", "inputs.py", "KINDS"),
    "a new source of data, such as a database": ("train/data/", "download.py", "get_file"),
    "an estimator that cannot be exported to ONNX yet":
        ("train/export/", "converters.py", "Converters"),
    "a new HTTP protocol": ("serve/codecs/", "codec.py", "Codec"),
    "a limit on what a client may send": ("serve/server/", "uvicorn_protocol.py", "LONGEST_HEAD"),
    "another statistical test of two models": ("judge/comparison/", "paired.py", "compare"),
    "a new plot in the report": ("judge/render/", "figures.py", "differences"),
    "another kind of registry": ("ship/registry/", "destination.py", "destination"),
    "another vulnerability scanner": ("ship/supply_chain/", "scan.py", "scan"),
    "a new deploy target": ("ship/deploy/", "rollout.py", "Target"),
    "a new comment on a pull request": ("ship/github/", "comment.py", "comment"),
    "a new linter": ("Makefile", "", "check"),
}  # fmt: skip


def layout() -> dict[str, str]:
    """Return README's table: each room with what it says of it."""
    readme = (git.TOOL / "README.md").read_text()
    return dict(re.findall(r"^\| `([a-z_/]+/|Makefile)` \| (.*) \|$", readme, re.MULTILINE))


def test_readme_says_what_is_behind_each_door() -> None:
    """README's table has each room with the sentence of its door."""
    table = layout()
    doors = {
        f"{room.replace('.', '/')}/": ast.get_docstring(
            ast.parse((git.TOOL / room.replace(".", "/") / "__init__.py").read_text())
        )
        for room in rooms()
    }
    assert {room: table.get(room) for room in doors} == doors


@pytest.mark.parametrize("change", CHANGES)
def test_readme_leads_to_the_place_of_a_change(change: str) -> None:
    """The room of each change is in README's table and holds the file and the name to begin at."""
    room, file, name = CHANGES[change]
    assert room in layout()
    source = (git.TOOL / room / file).read_text()
    assert re.search(rf"^(class |def )?{name}\b", source, re.MULTILINE)


@pytest.mark.parametrize("room", rooms())
def test_siblings_import_without_a_circle(room: str) -> None:
    """Each room can be read from the bottom up: no arrow runs back."""
    arrows = {
        name: imports - {"__init__"}
        for name, imports in siblings(room).items()
        if name != "__init__"
    }
    while free := [name for name, imports in arrows.items() if not imports & arrows.keys()]:
        for name in free:
            del arrows[name]
    assert arrows == {}


def contract_of(room: str) -> set[str]:
    """Return the modules of the contract that a room imports, by themselves or by another."""
    seen: set[Path] = set()
    fresh = {file for name, files in rooms().items() if f"{name}.".startswith(f"{room}.")
             for file in files}  # fmt: skip
    while fresh:
        seen |= fresh
        names = {name for file in fresh for name in imported(file) if name.startswith("contract.")}
        paths = {git.TOOL / name.replace(".", "/") for name in names}
        paths |= {path.parent for path in paths}
        modules = [*(path.with_suffix(".py") for path in paths),
                   *(path / "__init__.py" for path in paths)]  # fmt: skip
        fresh = {module for module in modules if module.is_file()} - seen
    return {path for file in seen
            if (path := file.relative_to(git.TOOL).as_posix()).startswith("contract/")}  # fmt: skip


def test_image_holds_what_serving_imports_of_the_contract() -> None:
    """No module is missing in the image, and none is there that nobody imports."""
    stage = (git.TOOL / "Dockerfile").read_text().split("AS code-onnx")[1].split("FROM")[0]
    copied = {
        file.relative_to(git.TOOL).as_posix()
        for line in re.findall(r"^COPY (contract/.*) \S+$", stage, re.MULTILINE)
        for path in line.split()
        for file in git.files(path, root=git.TOOL)
    }
    assert copied == contract_of("serve")


def test_training_draws_nothing() -> None:
    """What is hashed as an input of a training holds no style, no page and no plot."""
    files = git.files("contract", "train", root=git.TOOL)
    assert {file.suffix for file in files} == {".py"}
    drawing = re.compile(r"<svg|<table|<style|jinja2")
    assert [str(file) for file in files if drawing.search(file.read_text())] == []


@pytest.mark.parametrize("name", ["", "-train", "-joblib"])
def test_no_image_renders(name: str) -> None:
    """Cards and reports are rendered by the judge, on the host: no image and no training has it."""
    locked = (git.TOOL / f"requirements{name}.txt").read_text()
    assert re.findall(r"^(jinja2|markupsafe)==", locked, re.MULTILINE) == []


def test_only_the_fit_imports_scikit_learn() -> None:
    """The other steps of a training start without what takes seconds to import."""
    check = (
        "import sys, train.steps.ask, train.steps.question, train.steps.rows, train.steps.score; "
        "print(*sorted({'joblib', 'onnx', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    imported = subprocess.run(
        [sys.executable, "-c", check], cwd=git.TOOL, capture_output=True, text=True, check=True
    )
    assert imported.stdout.split() == []


def test_serving_needs_no_training_library() -> None:
    """What an ONNX image installs contains no training library."""
    locked = (git.TOOL / "requirements.txt").read_text()
    training = re.compile(r"^(scikit-learn|scipy|pandas|joblib|onnx|skl2onnx)==", re.MULTILINE)
    assert training.findall(locked) == []


@pytest.mark.parametrize("name", ["", "-train", "-joblib", "-pipeline", "-publish", "-dev"])
def test_every_requirement_has_a_hash(name: str) -> None:
    """Nothing is installed that was not seen when the versions were locked."""
    locked = (git.TOOL / f"requirements{name}.txt").read_text()
    requirements = [block for block in re.split(r"\n(?=\S)", locked) if "==" in block]
    assert requirements
    assert [block for block in requirements if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("name", ["-train", "-joblib"])
def test_training_and_serving_lock_the_same_versions(name: str) -> None:
    """A package that two images share has one version in both: no train/serve skew."""

    def versions(file: str) -> dict[str, set[str]]:
        by_package: dict[str, set[str]] = {}
        locked = (git.TOOL / file).read_text()
        for package, version in re.findall(r"^(\S+)==(\S+)", locked, re.MULTILINE):
            by_package.setdefault(package, set()).add(version)
        return by_package

    serving, other = versions("requirements.txt"), versions(f"requirements{name}.txt")
    shared = serving.keys() & other.keys()
    assert {package: serving[package] for package in shared} == {p: other[p] for p in shared}


LOADED = """
import importlib, importlib.metadata, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
known = importlib.metadata.packages_distributions()
tops = {name.partition(".")[0] for name in sys.modules.keys() - before}
print(*sorted({known[top][0].lower() for top in tops & known.keys()}))
"""
PUBLISHING = (
    "ship.pipeline.stages", "ship.pipeline.promote", "ship.pipeline.summary",
    "ship.deploy.commands", "ship.registry.catalogue", "ship.supply_chain.verify",
)  # fmt: skip


def test_publishing_needs_what_its_lock_holds() -> None:
    """The words that publish and deploy start in the environment of the jobs that may write."""
    loaded = subprocess.run([sys.executable, "-c", LOADED, *PUBLISHING], cwd=git.TOOL,
                            capture_output=True, text=True, check=True).stdout.split()  # fmt: skip
    locked = (git.TOOL / "requirements-publish.txt").read_text()
    names = set(re.findall(r"^(\S+)==", locked, re.MULTILINE))
    assert {"jinja2", "msgspec"} <= set(loaded)
    assert set(loaded) <= names | {"typing-extensions", "typing_extensions"}  # msgspec's, if there


def test_base_image_is_pinned_by_digest() -> None:
    """The Python that everything is built on cannot change underneath."""
    assert re.search(r"@sha256:[0-9a-f]{64}$", base_image.default())


def test_security_policy_names_whose_signature_counts() -> None:
    """Who verifies by hand is told the same identity as `make verify` demands."""
    policy = (git.TOOL / "SECURITY.md").read_text()
    assert rf"/\.github/workflows/publish\.yml@{publisher.MAIN}$" in policy
    assert rf"/\.github/workflows/publish\.yml@{publisher.COMMIT}$" in policy


def test_readme_names_words_that_exist() -> None:
    """Every `make WORD` in the documentation is one that `make help` explains."""
    helped = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=git.TOOL, capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip
    words = set(re.findall(r"^  ([a-z-]+) ", helped, re.MULTILINE))
    named = {
        word
        for file in git.files("*.md", root=git.TOOL)
        for word in re.findall(r"(?:^|`)make (?:-C \S+ )?([a-z-]+)", file.read_text(), re.MULTILINE)
    }
    assert {"pipeline", "test"} <= named
    assert named <= words


def test_security_policy_lists_every_attack() -> None:
    """Each row of the table names tests that there are, and each attack has a row."""
    policy = (git.TOOL / "SECURITY.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*\| (.*) \|$", policy, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    folder = git.TOOL / "tests" / "attacks"
    listed = {
        name: number for number, tests in rows for name in re.findall(r"`(test_\w+\.py)`", tests)
    }
    files = {file.name: file for file in folder.rglob("test_*.py")}
    assert set(listed) == set(files)
    for name, number in listed.items():
        assert files[name].read_text().startswith(f'"""Number {number}: '), name


def test_page_of_the_tests_names_every_marker() -> None:
    """Whoever writes a test reads there when it will run, and by which word."""
    settings = tomllib.loads((git.TOOL / "pyproject.toml").read_text())
    lines = settings["tool"]["pytest"]["ini_options"]["markers"]
    markers = {line.partition(":")[0].partition("(")[0] for line in lines}
    rows = re.findall(r"^\| `make ([a-z-]+)` \| (.*?) \|",
                      (git.TOOL / "tests/README.md").read_text(), re.MULTILINE)  # fmt: skip
    assert {marker for _, cell in rows for marker in re.findall(r"`(\w+)`", cell)} == markers
    makefile = (git.TOOL / "Makefile").read_text()
    assert [word for word, _ in rows if f"\n{word}: " not in makefile] == []
