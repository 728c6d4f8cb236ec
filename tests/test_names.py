"""What no linter checks of names: that a variable says what it holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ship import git

# Each says that there is something, but not what: `report`, `process` or `error` would.
EMPTY = {"found", "told", "said", "done", "one", "of", "given", "each", "thing"}


def variables(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each variable and parameter with its line, but no field, which belongs to a format."""
    fields = {
        statement.target
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in fields:
            yield node.id, node.lineno


def test_variables_say_what_they_hold() -> None:
    """Whoever reads `found`, `told` or `one` has to look up what it is; `report` tells it."""
    empty = [
        f"{file.relative_to(git.TOOL)}:{line} {name}"
        for file in git.files("*.py", root=git.TOOL)
        for name, line in variables(ast.parse(file.read_text()))
        if name in EMPTY
    ]
    assert empty == []
