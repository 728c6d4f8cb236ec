"""The command line: `python -m serve`, and the other commands for a bundle."""

# ruff: noqa: PLC0415 - a command imports what it needs and no more: it starts in milliseconds
from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from serve import settings
from serve.errors import Failure, as_failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serve.settings import Settings


def serve(current: Settings, _: argparse.Namespace) -> None:
    """Serve the bundle over HTTP (the default)."""
    from serve.server.run import run

    run(current)


def check(current: Settings, arguments: argparse.Namespace) -> None:
    """Verify the bundle, load the model, and compare its answers with the golden examples."""
    from serve.inference.bundle import open_bundle
    from serve.inference.predictor import open_predictor

    bundle = open_bundle(arguments.bundle or current.bundle)
    open_predictor(bundle, current.threads)
    print(f"{bundle.manifest.name}: {len(bundle.examples)} golden examples answered as recorded")


def info(current: Settings, arguments: argparse.Namespace) -> None:
    """Print the manifest of the bundle."""
    from serve.inference.bundle import manifest_json

    sys.stdout.buffer.write(manifest_json(arguments.bundle or current.bundle))


def predict(current: Settings, arguments: argparse.Namespace) -> None:
    """Score rows from standard input to standard output."""
    from serve.bulk.score import run

    with (
        suppress(BrokenPipeError),  # the reader has left, as in `predict | head`
        open(sys.stdin.fileno(), "rb", closefd=False) as source,
        open(sys.stdout.fileno(), "wb", closefd=False) as target,
    ):
        run(current, arguments.format, source, target, skip=arguments.skip_bad_rows)


def healthcheck(current: Settings, _: argparse.Namespace) -> None:
    """Ask the server in this container whether it is ready."""
    from serve.server.healthcheck import healthcheck

    healthcheck(current)


COMMANDS = (serve, check, info, predict, healthcheck)


def parser() -> argparse.ArgumentParser:
    """Return the argument parser; without a command it serves.

    The docstring of each command is its help, so it must be one line.
    """
    top = argparse.ArgumentParser(
        prog="serve",
        description="Serve a model bundle over HTTP, or score rows with it.",
        epilog="Settings are environment variables:\n" + settings.help_text(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.set_defaults(command=serve)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        words = command.__doc__
        sub = commands.add_parser(command.__name__, help=words, description=words)
        sub.set_defaults(command=command)
        if command in (check, info):
            sub.add_argument("bundle", nargs="?", help="directory of a bundle (default: BUNDLE)")
        if command is predict:
            add_predict_options(sub)
    return top


def add_predict_options(sub: argparse.ArgumentParser) -> None:
    """Add the options of `predict`."""
    sub.add_argument(
        "--format",
        choices=["csv", "jsonl", "parquet"],
        help="format of the rows (default: parquet if they begin like one, otherwise csv)",
    )
    sub.add_argument(
        "--skip-bad-rows",
        action="store_true",
        help="report rows that cannot be scored and go on (default: stop at the first)",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; print a failure as one line.

    A server's log holds nothing but JSON, so that a crash is a line of it too.
    """
    parsed = parser().parse_args(arguments)
    serving = parsed.command is serve
    try:
        parsed.command(settings.load(), parsed)
    except Exception as error:
        if not serving and not isinstance(error, Failure):
            raise
        failure = as_failure(error)
        report(failure, serving=serving)
        return failure.exit_code
    return 0


def report(failure: Failure, *, serving: bool) -> None:
    """Print a failure: as a line of the log when serving, otherwise to standard error."""
    if serving:
        from serve.monitoring.logs import Log

        Log().failure(failure)
    else:
        print(f"{type(failure).__name__}: {failure}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
