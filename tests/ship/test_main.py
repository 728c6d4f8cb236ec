"""The command line of ship: how it explains its words."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship import git
from ship.__main__ import WORDS, parser, tagged
from ship.errors import StageError
from ship.registry.layout import Layout
from ship.settings import Settings
from tests.support.images.oci_archives import MakeArchive


def helped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what the parser prints for these arguments before it exits, on one line."""
    with pytest.raises(SystemExit) as left:
        parser().parse_args([*arguments, "--help"])
    assert left.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_help_explains_every_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each word stands in `--help` beside a sentence of its own."""
    monkeypatch.setenv("COLUMNS", "200")
    text = helped(capsys)
    assert [name for name, word in WORDS.items() if f" {name} {word.help}" not in text] == []
    assert len({word.help for word in WORDS.values()}) == len(WORDS)


@pytest.mark.parametrize("name", WORDS)
def test_help_of_a_word_names_its_settings(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever runs a word finds there which variables it checks."""
    text = helped(capsys, name)
    assert "[MODEL ...]" in text
    assert [setting for setting in WORDS[name].reads if setting not in text] == []


def test_word_takes_models_after_it() -> None:
    """`python -m ship train iris penguins` names two models."""
    arguments = parser().parse_args(["train", "iris", "penguins"])
    assert (arguments.word, arguments.models) == ("train", ["iris", "penguins"])


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_archive: MakeArchive) -> Path:
    """Two models, one of which was published from a commit; return where outputs are set."""
    for name in ("iris", "wine"):
        (tmp_path / "model" / name).mkdir(parents=True)
        (tmp_path / "model" / name / "model.toml").touch()
    monkeypatch.setenv("MODELS", str(tmp_path / "model"))
    monkeypatch.delenv("REGISTRY", raising=False)
    monkeypatch.setattr(git, "TOOL", tmp_path)
    layout, image = Layout(tmp_path / "dist/registry/iris"), make_archive("one")
    layout.push(image)
    for tag in ("main", f"sha-{'a' * 12}"):
        layout.tag(image, tag)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    return tmp_path / "outputs"


@pytest.mark.parametrize(
    ("commit", "settings", "outputs"),
    [
        ("a" * 40, Settings(), f'models=["iris"]\ntag=sha-{"a" * 12}\n'),
        ("b" * 40, Settings(), f"models=[]\ntag=sha-{'b' * 12}\n"),
        ("", Settings(), 'models=["iris"]\ntag=main\n'),
        ("", Settings(model=("wine",), tag="1.2.3"), 'models=["wine"]\ntag=1.2.3\n'),
    ],
)
def test_what_a_commit_published_is_what_is_deployed(
    published: Path,
    monkeypatch: pytest.MonkeyPatch,
    commit: str,
    settings: Settings,
    outputs: str,
) -> None:
    """The registry tells what a push published; a push that published nothing deploys nothing."""
    monkeypatch.setenv("COMMIT", commit)
    assert tagged("tagged", settings) == 0
    assert published.read_text() == outputs


def test_tag_of_nothing_is_refused(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts a deploy by hand is told of a slip in the tag."""
    monkeypatch.setenv("COMMIT", "")
    with pytest.raises(StageError, match=r"Got 9\.9\.9, which names none"):
        tagged("tagged", Settings(tag="9.9.9"))
