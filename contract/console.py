"""Make whatever is printed safe for terminals and for the runner of a workflow.

Errors, names and logs contain untrusted text, so everything that a command prints goes through this
module.
"""

from __future__ import annotations

import atexit
import io
import re
import sys
import threading
from typing import TextIO

# What is removed: control characters, characters that reorder or hide text, and surrogates, which
# no encoding can hold.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# What the runner of a workflow takes for a command wherever it is printed: `::set-env…` at the
# beginning of a line, whatever white space is before it, and `##[…` anywhere.
COMMAND = re.compile(r"(?m)^(?P<space>\s*)::|##\[")


def printable(text: str) -> str:
    """Return the text without anything that a terminal or the runner of a workflow obeys.

    Line feeds and tabs stay, other controls and hidden characters are removed, and a space breaks
    the runner's commands.
    """
    return COMMAND.sub(inert, UNSEEN.sub("", text))


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters, which a log may act upon."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def inert(match: re.Match[str]) -> str:
    """Return a workflow command changed so that the runner does not obey it."""
    return "## [" if match["space"] is None else f"{match['space']}: :"


class Printed(io.TextIOBase):
    """A text stream that makes lines printable; an unfinished line is kept until its end comes.

    Each thread has a line of its own, so that those of several are not mixed.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.unfinished = threading.local()

    def write(self, text: str) -> int:
        """Pass on the lines that are complete, made printable."""
        lines, feed, self.unfinished.line = (self.begun + text).rpartition("\n")
        if feed:
            self.stream.write(printable(lines + feed))
        return len(text)

    @property
    def begun(self) -> str:
        """The unfinished line of this thread."""
        line: str = getattr(self.unfinished, "line", "")
        return line

    def flush(self) -> None:
        """Flush the stream below."""
        self.stream.flush()

    def end(self) -> None:
        """Pass on a last line that has no end."""
        self.stream.write(printable(self.begun))
        self.unfinished.line = ""

    def writable(self) -> bool:
        """Return that one may write."""
        return True

    def isatty(self) -> bool:
        """Return whether the stream below is a terminal."""
        return self.stream.isatty()

    def fileno(self) -> int:
        """Return the file descriptor of the stream below."""
        return self.stream.fileno()


def guard() -> None:
    """Make all that this process prints from now on safe, tracebacks included."""
    out, err = Printed(sys.stdout), Printed(sys.stderr)
    sys.stdout, sys.stderr = out, err
    atexit.register(out.end)
    atexit.register(err.end)
