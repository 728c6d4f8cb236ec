"""Run other programs: nothing else in ship starts a process."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from ship.errors import StageError

REASON_LINES, REASON_CHARACTERS = 12, 800  # of what a program wrote last
SHOWN = 200  # characters of a command in a message
OURS = ("cosign", "kubectl", "trivy")  # what `make` installs
Argument = str | Path


@dataclass(frozen=True)
class Result:
    """How a command ended and what it wrote; bytes of a text that are no UTF-8 are replaced."""

    command: tuple[str, ...]
    returncode: int
    content: bytes  # of stdout, as it is
    stderr: str

    @property
    def stdout(self) -> str:
        """What the command wrote to stdout, as text."""
        return self.content.decode(errors="replace")

    @property
    def succeeded(self) -> bool:
        """Whether the command ended with exit code 0."""
        return self.returncode == 0

    @property
    def reason(self) -> str:
        """The last lines of stderr; stdout may contain what must not be printed."""
        written = self.stderr.strip() or "it gave no reason"
        return "\n".join(written.splitlines()[-REASON_LINES:])[-REASON_CHARACTERS:]

    def require_success(self) -> Result:
        """Return this result; raise StageError with command, exit code and reason of a failure."""
        if not self.succeeded:
            raise StageError(
                f"{shlex.join(self.command)[:SHOWN]} must succeed. "
                f"It failed with exit code {self.returncode}: {self.reason}"
            )
        return self


def run(
    *command: Argument,
    stdin: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command in `folder` and return what it wrote to stdout.

    Raises StageError where the program is absent or ends with another exit code than 0.
    """
    result = attempt(*command, stdin=stdin, folder=folder, environment=environment)
    return result.require_success().stdout


def attempt(
    *command: Argument,
    stdin: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Result:
    """Run a command that may fail and return its result.

    Raises StageError if there is no program.
    """
    words = tuple(map(str, command))
    try:
        ended = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, check=False,
            input=None if stdin is None else stdin.encode(),
        )  # fmt: skip
    except FileNotFoundError as error:
        raise absent(error, words[0]) from error
    return Result(words, ended.returncode, ended.stdout, ended.stderr.decode(errors="replace"))


def follow(
    *command: Argument,
    line: Callable[[str], None],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a command and call `line` with each line of its stdout and stderr as it comes.

    Returns the exit code; raises StageError if there is no such program.
    """
    try:
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=environment, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise absent(error, str(command[0])) from error
    with process:
        for text in process.stdout or ():
            line(text)
    return process.returncode


class Background:
    """A command that runs while other work goes on; `line` is called with each of its lines."""

    def __init__(self, *command: Argument, line: Callable[[str], None]) -> None:
        self.process = subprocess.Popen(
            list(map(str, command)), errors="replace", process_group=0,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.reader = Thread(target=self.read, args=(line,), daemon=True)
        self.reader.start()

    def read(self, line: Callable[[str], None]) -> None:
        """Call `line` with each line until the command ends."""
        with self.process:
            for text in self.process.stdout or ():
                line(text)

    def wait(self) -> int:
        """Wait for the end of the command and its lines; return the exit code."""
        self.reader.join()
        return self.process.returncode

    def stop(self) -> None:
        """Stop the command, and all that it has started, if it still runs."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.wait()


def absent(error: FileNotFoundError, program: str) -> StageError:
    """Return the error for a program, or a folder to run it in, that is not there."""
    if error.filename != program:
        return StageError(f"{error.filename} must be a folder. It does not exist.")
    install = f"make {program}" if program in OURS else "its package"
    return StageError(f"{program} must be on the PATH. Install it: {install}")
