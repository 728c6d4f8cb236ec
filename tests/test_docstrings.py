"""What ruff cannot check of docstrings: that they say what is raised, and the shapes of arrays."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import pytest

from ship import git

ROOMS = ("contract", "train", "serve", "judge", "ship", "bench", "tests/support")
# `Numbers` is what contract.evaluation.scores calls its arrays.
ARRAYS = re.compile(r"\b(NDArray|ndarray|Numbers|DataFrame|Series)\b")
# `(rows, features)`, `(resamples, rows)`, `(rows,)`: one word an axis, or a number.
SHAPE = re.compile(r"\(\w+,( \w+(, \w+)*)?\)")


class Function(NamedTuple):
    """A function or method, where it stands, and its docstring."""

    place: str
    node: ast.FunctionDef | ast.AsyncFunctionDef
    docstring: str

    @property
    def raised(self) -> set[str]:
        """The exceptions that its own body raises by name."""
        names = set()
        for node in own(self.node):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                called = node.exc.func
                names.add(called.attr if isinstance(called, ast.Attribute) else ast.unparse(called))
        return {name for name in names if name[0].isupper()}

    @property
    def has_arrays(self) -> bool:
        """Whether it takes or returns an array of more than a type can say."""
        arguments = [argument.annotation for argument in ast.walk(self.node.args)
                     if isinstance(argument, ast.arg)]  # fmt: skip
        annotations = filter(None, [*arguments, self.node.returns])
        return any(ARRAYS.search(ast.unparse(annotation)) for annotation in annotations)


def own(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function that are not of a function inside it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield node
            yield from own(node)


@cache
def functions(room: str) -> list[Function]:
    """Return every function and method of a room, those inside functions too.

    What an `__init__` takes stands in the docstring of its class.
    """
    result = []
    for file in git.files(f"{room}/*.py", root=git.TOOL):
        nodes = list(ast.walk(ast.parse(file.read_text())))
        classes: dict[ast.AST, str] = {
            child: ast.get_docstring(node) or ""
            for node in nodes
            if isinstance(node, ast.ClassDef)
            for child in node.body
            if isinstance(child, ast.FunctionDef) and child.name == "__init__"
        }
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                place = f"{file.relative_to(git.TOOL)}:{node.lineno} {node.name}"
                docstring = classes.get(node, "") + (ast.get_docstring(node) or "")
                result.append(Function(place, node, docstring))
    return result


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_say_what_is_raised(room: str) -> None:
    """Whoever calls a function need not read it to know what it raises."""
    silent = [
        f"{function.place}: {name}"
        for function in functions(room)
        for name in sorted(function.raised)
        if name not in function.docstring
    ]
    assert silent == []


@pytest.mark.parametrize("room", ROOMS)
def test_docstrings_give_shapes_of_arrays(room: str) -> None:
    """A type says that it is an array; its axes stand in the docstring."""
    silent = [
        function.place
        for function in functions(room)
        if function.has_arrays and not SHAPE.search(function.docstring)
    ]
    assert silent == []


def test_every_test_states_a_behaviour() -> None:
    """A test says in a sentence what must hold, so that its failure can be understood."""
    tests = [function for function in functions("tests") if function.node.name.startswith("test_")]
    assert len(tests) > 500
    assert [function.place for function in tests if not function.docstring] == []
