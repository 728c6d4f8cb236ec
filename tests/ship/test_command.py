"""Running other programs: one place, one way to fail."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from ship import git
from ship.command import REASON_CHARACTERS, Background, attempt, follow, run
from ship.errors import StageError
from ship.host.waiting import wait_for

STARTERS = {"subprocess", "os.system", "os.popen", "pty", "multiprocessing"}


def test_only_one_module_of_ship_starts_programs() -> None:
    """Only ship/command.py starts programs."""
    importing = {
        file.relative_to(git.TOOL).as_posix()
        for file in git.files("ship/*.py", root=git.TOOL)
        if imports(file) & STARTERS
    }
    assert importing == {"ship/command.py"}


def imports(file: Path) -> set[str]:
    """Return the modules that a file imports, and the attributes of `os` that it uses."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.add(f"{node.value.id}.{node.attr}")
    return names


def python(code: str) -> list[str]:
    """Return the command that runs code in Python."""
    return [sys.executable, "-c", code]


def test_run_returns_what_a_program_prints(tmp_path: Path) -> None:
    """In a folder, with an environment, and fed by its standard input."""
    code = "import os, sys; print(os.getcwd(), os.environ['WORD'], sys.stdin.read())"
    output = run(*python(code), stdin="input", folder=tmp_path, environment={"WORD": "set"})
    assert output == f"{tmp_path} set input\n"


def test_run_tells_command_exit_code_and_the_end_of_stderr() -> None:
    """The error has the command, its exit code and the last lines of its standard error."""
    code = "import sys; sys.stderr.write('x' * 10_000 + '\\nlast words\\n'); sys.exit(7)"
    with pytest.raises(StageError, match=r"(?s)must succeed.* exit code 7.*last words$") as raised:
        run(*python(code))
    assert len(str(raised.value)) < REASON_CHARACTERS + 400


def test_failure_does_not_tell_what_was_printed() -> None:
    """The error does not repeat standard output, which may hold passwords."""
    with pytest.raises(StageError, match="exit code 1: it gave no reason") as raised:
        run(*python("import sys; print('pass' + 'word'); sys.exit(1)"))
    assert "password" not in str(raised.value)


def test_attempt_returns_bytes_as_they_are() -> None:
    """A manifest's digest is of its bytes; as a text, what is no UTF-8 is replaced."""
    result = attempt(*python("import sys; sys.stdout.buffer.write(b'\\xff\\r\\n'); sys.exit(1)"))
    assert (result.content, result.stdout, result.returncode) == (b"\xff\r\n", "\ufffd\r\n", 1)


def test_absent_program_is_told_with_its_cure() -> None:
    """A program that is not installed is an error that says how to install it."""
    with pytest.raises(StageError, match="no-such-program must be on the PATH"):
        run("no-such-program")
    with pytest.raises(StageError, match="no-such-program must be on the PATH"):
        follow("no-such-program", line=print)


def test_absent_folder_is_not_taken_for_an_absent_program(tmp_path: Path) -> None:
    """If the working folder is absent, the error names it and not the program."""
    with pytest.raises(StageError, match="nowhere must be a folder"):
        run("true", folder=tmp_path / "nowhere")


def test_follow_hands_on_lines_as_they_come() -> None:
    """Of both streams, in order, with the exit code at the end."""
    lines: list[str] = []
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr); sys.exit(3)"
    assert follow(*python(code), line=lines.append) == 3
    assert lines == ["one\n", "two\n"]


def test_background_hands_on_its_lines_and_how_it_ended() -> None:
    """All lines of a background process, and its exit code, are handed on."""
    lines: list[str] = []
    beside = Background("sh", "-c", "echo one; sleep 0.2; echo two >&2; exit 3",
                                line=lines.append)  # fmt: skip
    assert beside.wait() == 3
    assert lines == ["one\n", "two\n"]


def test_background_ends_with_all_that_it_started() -> None:
    """A background process is ended with all of its children."""
    lines: list[str] = []
    beside = Background("sh", "-c", "sleep 60 & echo $!; wait", line=lines.append)
    wait_for(lambda: lines, bool, "It must begin", 10)
    beside.stop()
    status = Path("/proc", lines[0].strip(), "stat")
    wait_for(lambda: ended(status), bool, "It must end with what started it", 10)


def ended(status: Path) -> bool:
    """Return whether a process is gone, or is what waits to be counted."""
    try:
        return status.read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
