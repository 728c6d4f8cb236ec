"""The command line of ship: how it explains its words."""

from __future__ import annotations

import pytest

from ship.__main__ import WORDS, parser


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
