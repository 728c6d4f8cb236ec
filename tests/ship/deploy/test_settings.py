"""The settings: read, refused, and told in the page about deploying."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from ship.deploy.settings import Settings, load
from ship.errors import UsageError

PAGE = Path(__file__).parents[3] / "ship/deploy/README.md"


def test_settings_are_read_and_empty_ones_are_not_set() -> None:
    """A number is read as one, and an empty variable leaves the default."""
    assert load({"REPLICAS": "3", "LISTEN": ""}) == Settings(replicas=3)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("REPLICAS", "two", "REPLICAS must be a whole number above 0. Got 'two' instead"),
        ("REPLICAS", "0", "REPLICAS must be a whole number above 0"),
        ("TARGET", "nomad", "TARGET must be one of compose, kubernetes. Got nomad instead"),
        ("CANARY_SHARE", "100", "CANARY_SHARE must be within 1 and 99"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name: str, value: str, reason: str) -> None:
    """The error names the variable, what it must be, and what it is."""
    with pytest.raises(UsageError) as refused:
        load({name: value})
    assert str(refused.value).startswith(reason)


def test_settings_are_all_in_the_page() -> None:
    """Every setting is a line of the table, with its default, and the table has no other."""
    documented = dict(re.findall(r"^\| `([A-Z_]+)` \| `(.*?)` \|", PAGE.read_text(), re.MULTILINE))
    assert documented == {
        setting.name.upper(): str(setting.default) for setting in fields(Settings)
    }
