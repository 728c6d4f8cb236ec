"""Number 12: what somebody calls a tag, a model, a folder or a branch runs as a command.

Make expanded each value that a recipe named or that it exported, `$(shell …)` included and under
`make -n` too, and the shell expanded it again. A dispatch input ran beside KUBECONFIG, a git tag
and a folder's name beside a write token. Here every variable holds such a value, from the command
line and from the environment: nothing of it runs, and each program gets it letter by letter.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract import models
from contract.errors import ModelError
from ship import git, settings
from ship.__main__ import WORDS
from ship.errors import ShipError, UsageError
from ship.github.step_files import line, set_outputs
from tests.support.checkouts.fork import Fork

pytestmark = pytest.mark.slow  # runs the words as programs

MAKEFILE = (git.TOOL / "Makefile").read_text()
READMES = [git.TOOL / name for name in ("README.md", "ship/deploy/README.md")]
PAYLOADS = [
    "$(shell touch CANARY)",
    "${shell touch CANARY}",
    "$(eval $(shell touch CANARY))",
    "$$(shell touch CANARY)$$$$(touch CANARY)",
    "`touch CANARY`",
    "$(touch CANARY)",
    "; touch CANARY; ",
    '"; touch CANARY; "',
    "'; touch CANARY; '",
    "x\n\ttouch CANARY\n",
    "x | touch CANARY & touch CANARY > CANARY",
    "-x --help=$(touch CANARY)",
]
PROGRAMS = ("python", "python3", "pytest", "ruff", "mypy", "shellcheck", "actionlint", "zizmor",
            "check-jsonschema", "hadolint", "act", "uv", "docker")  # fmt: skip
STUB = """\
#!/bin/sh
# Stands for a program of a recipe: keeps the environment that it was given.
env -0 >>"$RECORDS"
"""


def words() -> list[str]:
    """Return the words of the Makefile; the one that removes what a test needs comes last."""
    names = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
    return sorted(names, key=lambda word: word == "clean")


def variables() -> list[str]:
    """Return what a user may set: each name in the Makefile, in its help and in the READMEs."""
    text = "\n".join([MAKEFILE, *(readme.read_text() for readme in READMES)])
    named = re.findall(r"\b([A-Z][A-Z_]*)=|\$\(value ([A-Z_]+)\)|\$\$\{?([A-Z_]+)", text)
    tabled = re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE)
    return sorted({name for groups in named for name in groups if name} | set(tabled))


class Desk:
    """The Makefile in a folder of its own, where every program that it runs is a stand-in."""

    def __init__(self, root: Path) -> None:
        self.root, self.canary, self.records = root, root / "CANARY", root / "records"
        shutil.copy(git.TOOL / "Makefile", root)
        for name in (*(f".venv/bin/{program}" for program in PROGRAMS), "ship/engine.sh"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(STUB)
            (root / name).chmod(0o755)

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        """Run make with programs that only record their arguments."""
        whole = {**os.environ, "RECORDS": str(self.records), **environment}
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
            whole.pop(name, None)
        for left in (self.records, self.canary):
            left.unlink(missing_ok=True)
        return subprocess.run(["make", "--keep-going", *arguments], cwd=self.root, env=whole,
                              capture_output=True, check=False)  # fmt: skip

    def recorded(self, name: str) -> set[str]:
        """Return every value that a program of the last run has found under a name."""
        content = self.records.read_bytes().decode(errors="surrogateescape").split("\0")
        return {entry.partition("=")[2] for entry in content if entry.startswith(f"{name}=")}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One for all, since nothing may change in it."""
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """A copy of the repository with a model of its own."""
    fork = Fork(tmp_path_factory.mktemp("fork"))
    shutil.copytree(git.TOOL / "model/iris", fork.root / "model/iris",
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    fork.commit()
    return fork


def values(payload: str) -> dict[str, str]:
    """Return the payload under every name; a path of programs has to find some all the same."""
    return dict.fromkeys(variables(), payload) | {"PATH": f"{os.environ['PATH']}:{payload}"}


def assigned(values: dict[str, str]) -> list[str]:
    """Return the values as arguments of make."""
    return [f"{name}={value}" for name, value in values.items()]


def test_variables_are_those_that_users_are_told_of() -> None:
    """The variables that are attacked hold at least these well-known ones."""
    expected = {"MODEL", "TAG", "RELEASE", "BUNDLE", "IMAGES", "A", "B", "NAME", "CSV", "TARGET",
                "REGISTRY", "REASON", "OVERLAY", "UPGRADE", "TRAIN_BACKEND", "PYTHON", "ACT",
                "PEERS", "PYTHON_IMAGE", "REPLICAS", "GATEWAY", "PATH", "HOME"}  # fmt: skip
    assert expected <= set(variables())


@pytest.mark.parametrize("variable", variables())
def test_make_runs_nothing_to_say_what_it_would_do(variable: str, desk: Desk) -> None:
    """`make -n` runs nothing of a variable's value, from command line or environment."""
    value = values("".join(PAYLOADS))[variable]
    for arguments, environment in (([f"{variable}={value}"], {}), ([], {variable: value})):
        process = desk.make("--dry-run", *words(), *arguments, **environment)
        assert process.returncode == 0, process.stderr  # so that every word was looked at
        assert not desk.canary.exists()


@pytest.mark.parametrize("payload", PAYLOADS)
def test_words_run_nothing_that_variables_hold(payload: str, desk: Desk) -> None:
    """Every word runs to its end, and each program gets letter by letter what was written.

    The words about the tool empty MODELS.
    """
    held = values(payload)
    for arguments, environment in ((assigned(held), {}), ([], held)):
        desk.make(*words()[:-1], *arguments, **environment)
        assert not desk.canary.exists()
        for name in held.keys() - {"PATH"}:
            emptied = {""} if name == "MODELS" else set()
            assert desk.recorded(name) == {held[name]} | emptied


@pytest.mark.parametrize("word", ["unit", "test", "test-all", "bench"])
def test_words_about_the_tool_take_its_own_models(word: str, desk: Desk) -> None:
    """Its tests and measurements name models of its own, wherever a user's are."""
    for arguments, environment in ((["MODELS=/mine"], {}), ([], {"MODELS": "/mine"})):
        assert desk.make(word, *arguments, **environment).returncode == 0
        assert desk.recorded("MODELS") == {""}
    desk.make("train", "MODELS=/mine")
    assert desk.recorded("MODELS") == {"/mine"}


def test_words_run_for_real_at_the_desk(desk: Desk) -> None:
    """With the recording programs, every word but `clean` runs to its end."""
    process = desk.make(*words()[:-1])
    assert process.returncode == 0, process.stderr
    assert desk.recorded("ORT_DISABLE_TELEMETRY") == {"1"}


def test_sub_makes_are_handed_no_value(desk: Desk) -> None:
    """MAKEFLAGS carries no definition, which a make below would expand."""
    (desk.root / "Makefile.outer").write_text("include Makefile\nouter:\n\t@$(MAKE) --dry-run "
                                              "check verify && python\n")  # fmt: skip
    for payload in PAYLOADS:
        desk.make("--file=Makefile.outer", "outer", f"TAG={payload}")
        assert not desk.canary.exists(), payload
        assert not any("CANARY" in flags for flags in desk.recorded("MAKEFLAGS"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^override ([A-Z_]+)", MAKEFILE,
                                                       re.MULTILINE)) - {"PATH"}))  # fmt: skip
def test_own_variables_of_the_makefile_are_its_own(name: str, desk: Desk) -> None:
    """The Makefile's own variables cannot be set from outside."""
    goals = ["--dry-run", *words()]
    before = desk.make(*goals).stdout
    assert desk.make(*goals, f"{name}=touch CANARY;").stdout == before
    assert desk.make(*goals, **{name: "touch CANARY;"}).stdout == before


def recipes() -> Iterator[str]:
    """Yield each line of a recipe, continued lines as one."""
    text = MAKEFILE.replace("\\\n", " ")
    yield from (line for line in text.splitlines() if line.startswith("\t"))


def test_recipes_name_no_variable_of_a_users() -> None:
    """Recipes expand only the Makefile's own variables, and unquoted only two lists of words."""
    own = set(re.findall(r"^override ([A-Z_]+)", MAKEFILE, re.MULTILINE))
    for recipe in recipes():
        expanded = set(re.findall(r"(?<!\$)\$(?:\(([^)]*)\)|\{([^}]*)\}|([^$({]))", recipe))
        names = {name for groups in expanded for name in groups if name}
        assert names <= own | {"@"}, recipe
        bare = re.sub(r'"[^"]*"', "", re.sub(r"'[^']*'", "", recipe))
        assert set(re.findall(r"\$\$\{?(\w+)", bare)) <= {"ACT", "PEERS"}, recipe


def test_makefile_expands_no_variable_of_a_users() -> None:
    """Outside of recipes, the Makefile reads a user's variable only by `value`."""
    text = MAKEFILE.replace("\\\n", " ")
    own = set(re.findall(r"^(?:override |export )*([A-Z_]+) :=", text, re.MULTILINE))
    expanded = set(re.findall(r"(?<!\$)\$[({](\.?[A-Z_]+)[)}]", text))
    assert expanded - own == {".VARIABLES", "CURDIR"}


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("name", ["MODEL", "TAG", "RELEASE", "REGISTRY", "BUNDLE", "IMAGES", "A"])
def test_settings_refuse_what_is_none(name: str, payload: str) -> None:
    """A setting of another form is refused with a message that no terminal obeys."""
    with pytest.raises(UsageError) as refused:
        settings.read([name], {name: payload})
    assert "must be" in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAG", "a" * 129), ("TAG", ".a"), ("TAG", "a/b"), ("TAG", "sha256:abc"), ("TAG", "a\n"),
        ("REGISTRY", "http://host/owner"), ("REGISTRY", "host:x/owner"), ("REGISTRY", "-host/a"),
        ("REGISTRY", "user@host/a"), ("REGISTRY", "host//a"), ("REGISTRY", "host/../a"),
        ("RELEASE", "v1.2"), ("RELEASE", "nothing-v1.2.3"), ("RELEASE", "v1.2.3\nx=y"),
        ("REASON", "a\rb"), ("REASON", "a\x1b[2J"), ("WHO", "a" * 1001),
        ("MODEL", "Iris"), ("MODEL", "iris ../iris"), ("BUNDLE", "/nowhere"),
    ],
)  # fmt: skip
def test_settings_refuse_what_only_looks_like_it(name: str, value: str) -> None:
    """A setting that is nearly right is refused with what is expected."""
    with pytest.raises(UsageError, match=r"must be"):
        settings.read([name], {name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TAG", "main"), ("TAG", "1.2.3"), ("TAG", "_x"), ("TAG", f"sha256:{'0a' * 32}"),
        ("REGISTRY", "ghcr.io/octo/some_models.x"), ("REGISTRY", "127.0.0.1:5000/a-b/c"),
        ("REGISTRY", "localhost:5000"), ("RELEASE", "v1.2.3-rc.1"), ("RELEASE", "iris-v1.2.3"),
        ("REASON", "Größer, aber $5 billiger: `ja`\n::error::$(x)"), ("BUNDLE", "."),
    ],
)  # fmt: skip
def test_settings_take_what_is_one(name: str, value: str) -> None:
    """A right setting is read as it is; a reason may hold any visible text."""
    read = settings.read([name], {name: value})
    assert str(getattr(read, name.lower())) == value


def test_every_setting_is_read_by_a_word() -> None:
    """Each setting that is checked is read by a word, and each that is read is checked."""
    read = {name for word in WORDS.values() for name in word.reads} | {"MODEL", "REGISTRY"}
    assert read == set(settings.CHECKS)


def test_words_check_their_settings_first(tmp_path: Path) -> None:
    """A wrong tag is refused before any engine, registry or cluster is asked."""
    environment = {"PATH": str(tmp_path), "TAG": "$(touch CANARY)"}
    command = [sys.executable, "-m", "ship", "deploy"]
    process = subprocess.run(
        command, cwd=git.TOOL, env=environment, capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr.partition(".")[0]) == (
        2, "deploy: TAG must be a tag, such as main or 1"
    )  # fmt: skip


@pytest.mark.parametrize("folder", ["$(touch CANARY)", "a;b", "-rf", "Iris", "a b", "a\nb", "`id`",
                                    ".hidden", "a__b", "é", "a" * 41])  # fmt: skip
def test_folder_with_no_models_name_is_an_error(folder: str, fork: Fork) -> None:
    """A folder whose name no model may have ends planning with an error that suggests one."""
    odd = fork.root / "model" / folder
    shutil.copytree(fork.root / "model/iris", odd)
    try:
        with pytest.raises(ModelError, match="The name of a model's folder must be") as refused:
            models.names(fork.root / "model")
        process = fork.make("plan")
    finally:
        shutil.rmtree(odd)
    assert process.returncode == 2
    assert f"plan: {refused.value}" in process.stderr
    assert str(refused.value).isprintable()
    assert re.search(r"Got .* instead\. Try '[a-z][a-z0-9_]*'", str(refused.value))
    assert not list(fork.root.rglob("CANARY"))
    assert process.stdout == ""


@pytest.mark.parametrize(
    "tag",
    [
        "v1.2.3$(touch${IFS}CANARY)",
        "x;touch${IFS}CANARY;-v1.2.3",
        "`touch${IFS}CANARY`-v1.2.3",
        'v1.2.3";touch${IFS}CANARY"',
    ],
)
def test_git_tag_that_is_no_version_releases_nothing(tag: str, fork: Fork) -> None:
    """A git tag with a shell command in it is refused by the words that release."""
    fork.git("tag", tag)
    for word in ("plan", "version"):
        process = subprocess.run(
            [sys.executable, "-m", "ship", word], cwd=fork.root, capture_output=True, text=True,
            env={**os.environ, "RELEASE": tag}, check=False,
        )  # fmt: skip
        assert (process.returncode, process.stdout) == (2, "")
        assert "A release must be tagged v1.2.3" in process.stderr
    assert fork.make("plan", RELEASE=tag).returncode == 2
    assert not list(fork.root.rglob("CANARY"))


@pytest.mark.parametrize("value", ["a\nb=c", "a\rb", "a\x1b[2J", "a\x00", "a\x85b", "a\u2028b"])
def test_output_of_a_step_is_one_line(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value of two lines is refused, as it would set another output."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    with pytest.raises(ShipError, match="An output must have a plain name"):
        set_outputs(first="fine", second=value)
    assert not (tmp_path / "outputs").exists()
    with pytest.raises(ShipError, match="An output must have a plain name"):
        line(value, "fine")
