"""Share the tests out among machines: each module goes to one, and all have about as much to do."""

from __future__ import annotations

import re
from collections import Counter

import pytest

WEIGHTS = {"engine": 60, "slow": 10}  # of a test with the marker, where any other is 1


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option by which each machine knows its share."""
    parser.addoption("--shard", default="1/1", help="which share of the tests to run, such as 2/3")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of other shares out; raise UsageError for a share that is none."""
    shown = config.getoption("--shard")
    matched = re.fullmatch(r"([1-9]\d?)/([1-9]\d?)", shown)
    if not matched or int(matched[1]) > int(matched[2]):
        raise pytest.UsageError(f"--shard must be a share such as 2/3. Got {shown!r} instead.")
    weights: Counter[str] = Counter()
    for item in items:
        weights[item.path.as_posix()] += max(
            [weight for mark, weight in WEIGHTS.items() if item.get_closest_marker(mark)], default=1
        )
    modules = share(weights, int(matched[1]), int(matched[2]))
    config.hook.pytest_deselected(items=[i for i in items if i.path.as_posix() not in modules])
    items[:] = [item for item in items if item.path.as_posix() in modules]


def share(weights: dict[str, int], index: int, count: int) -> set[str]:
    """Return the modules of machine `index` of `count`, of modules with their weights.

    The heaviest goes first, to the machine that has least to do: Graham's LPT rule (1969).
    """
    loads = [0] * count
    mine = set()
    for module, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0])):
        lightest = loads.index(min(loads))
        loads[lightest] += weight
        if lightest == index - 1:
            mine.add(module)
    return mine
