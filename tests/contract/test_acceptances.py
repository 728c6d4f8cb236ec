"""[accept] as text: written and removed without a trace, whatever a reason holds."""

from __future__ import annotations

import tomllib

import pytest

from contract.spec import acceptances

TEXT = """\
task = "classification" # [accept] is no header here

[gate]
accuracy = { min = 0.9, drop = 0.02 }
"""
LINE: dict[str, str | float | None] = {
    "value": 0.93, "reason": "because", "who": "octocat", "replaces": "2026.11.30-abcdef0",
}  # fmt: skip
HOSTILE = 'a "reason"\\ \n[accept]\n[gate]\naccuracy = 1 \x1b \x7f \u202e ünder # no'


@pytest.mark.parametrize("text", [TEXT, TEXT.rstrip(), f"{TEXT}\n\n", TEXT.replace("\n", "\r\n")])
def test_acceptance_leaves_no_trace_once_it_is_removed(text: str) -> None:
    """A line that is added and removed leaves the very bytes that shape the model."""
    before = acceptances.shaping(text.encode())
    accepted = acceptances.written(text, {"accuracy": LINE, "image size": {**LINE, "value": None}})
    assert list(tomllib.loads(accepted)["accept"]) == ["accuracy", "image size"]
    assert acceptances.shaping(accepted.encode()) == before
    assert acceptances.written(accepted, {}).encode() == before
    assert acceptances.written(accepted, {"r2": LINE}) == acceptances.written(text, {"r2": LINE})


def test_acceptance_is_read_as_it_was_written() -> None:
    """Names and reasons of any text come back character for character, and add no other table."""
    accepted = acceptances.written(TEXT, {HOSTILE: {**LINE, "reason": HOSTILE}})
    parsed = tomllib.loads(accepted)
    assert parsed == {**tomllib.loads(TEXT), "accept": {HOSTILE: {**LINE, "reason": HOSTILE}}}
    assert acceptances.without(accepted) == TEXT


def test_table_between_others_is_removed_alone() -> None:
    """A person may put the table anywhere, with comments in it."""
    middle = TEXT.replace("[gate]", '[accept] # here\n# why\nr2 = { reason = "[x]" }\n\n[gate]')
    assert acceptances.without(middle) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        f'accept = {{ r2 = {{ reason = "x" }} }}\n{TEXT}',
        f'{TEXT}\n[accept.r2]\nreason = "x"\n',
        f'{TEXT}\n[accept]\nr2 = {{ reason = """x\n[y]\n""" }}\n',
        f'{TEXT}\ndescription = """\n[accept]\n"""\n',
        "not TOML",
    ],
)
def test_other_forms_are_refused_and_shape_the_model(text: str) -> None:
    """What cannot be cut out is refused, and hashed whole rather than in part."""
    with pytest.raises(ValueError):  # noqa: PT011 - TOML's, or ours
        acceptances.without(text)
    assert acceptances.shaping(text.encode()) == text.encode()
