"""How the tests are shared out among the machines of ci."""

from __future__ import annotations

from tests.support.shards import share

WEIGHTS = {
    f"tests/test_{name}.py": weight
    for name, weight in zip("abcdefg", [70, 60, 9, 8, 8, 7, 1], strict=True)
}


def test_shares_are_all_of_the_tests_once() -> None:
    """No module is left out, and none runs twice, whatever the number of machines."""
    for count in (1, 2, 3, 9):
        shares = [share(WEIGHTS, index + 1, count) for index in range(count)]
        assert sorted(module for modules in shares for module in modules) == sorted(WEIGHTS)


def test_shares_have_about_as_much_to_do() -> None:
    """The heavy modules go to different machines, and the light ones fill up."""
    loads = [sum(WEIGHTS[module] for module in share(WEIGHTS, index, 2)) for index in (1, 2)]
    assert sum(loads) == 163
    assert max(loads) - min(loads) < 10
