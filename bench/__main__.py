"""Measure everything in one interleaved run; print the table and write it to a file."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from urllib.request import urlopen

from bench import contenders, inprocess
from bench.load import Load, measure
from bench.process import ROOT, Contender, Running
from judge.render import markdown
from judge.render.table import Table

LIBRARIES = ("uvicorn", "fastapi", "msgspec", "numpy", "onnxruntime", "scikit-learn")
CONNECTIONS = (1, 32)


def main() -> None:
    """Measure every server, print the report and write it to a file."""
    arguments = parse()
    with tempfile.TemporaryDirectory() as folder:
        forest = contenders.pickled_forest(Path(folder))
        competitors = [
            contenders.ours("ours", arguments.bundles / "iris/bundle"),
            *contenders.yardsticks(forest),
            *(contenders.peer(name, forest, arguments.cache) for name in arguments.peers),
        ]
        results = race(competitors, CONNECTIONS, arguments)
        report = [machine(), "", *table(results), "", *details(arguments, Path(folder))]
    print("\n".join(report))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("\n".join(report) + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("peers", nargs="*", choices=[*contenders.PACKAGES, []], metavar="PEER")
    parser.add_argument(
        "--bundles", type=Path, default=ROOT / "dist", help="folder with NAME/bundle"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "dist/peers", help="folder for environments"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "dist/bench.md")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="seconds of each measurement")
    parser.add_argument("--bulk-rows", type=int, default=1_000_000)
    return parser.parse_args()


class Result:
    """What was measured of one server: seconds to start, memory in MiB, speed and latency."""

    def __init__(self, server: Running) -> None:
        self.name = server.contender.name
        self.start = server.seconds_to_first_answer
        self.memory = server.resident_mebibytes
        self.loads: dict[int, list[Load]] = {}

    def speed(self, connections: int) -> float:
        """Return the median of requests per second with so many connections."""
        return statistics.median(load.requests_per_second for load in self.loads[connections])

    def p99(self, connections: int) -> float:
        """Return the median of the 99th percentile of latency in milliseconds."""
        return statistics.median(load.p99_milliseconds for load in self.loads[connections])


def race(
    competitors: list[Contender], connections: tuple[int, ...], arguments: argparse.Namespace
) -> list[Result]:
    """Start all servers, then measure one after the other, round by round.

    Whatever else slows the machine meanwhile slows all of them alike.
    """
    with ExitStack() as stack:
        servers = [stack.enter_context(Running(contender)) for contender in competitors]
        results = [Result(server) for server in servers]
        for number in range(arguments.rounds):
            for server, result in zip(servers, results, strict=True):
                for count in connections:
                    print(f"round {number + 1}: {result.name}, {count}", file=sys.stderr)
                    load = measure(server, count, arguments.seconds)
                    result.loads.setdefault(count, []).append(load)
        for server, result in zip(servers, results, strict=True):
            result.memory = max(result.memory, server.resident_mebibytes)
    return results


def table(results: list[Result]) -> list[str]:
    """Return the table: absolute figures, and ratios to the bare ASGI server and to ours."""
    limit = next(result for result in results if result.name == "bare ASGI")
    us = results[0]
    head = ("server", "req/s, 1", "req/s, 32", "p99 ms, 32", "x bare ASGI", "ours is x", "MiB",
            "start s")  # fmt: skip
    rows = [
        (result.name, f"{result.speed(1):,.0f}", f"{result.speed(32):,.0f}",
         f"{result.p99(32):.1f}", f"{result.speed(32) / limit.speed(32):.3f}",
         f"{us.speed(32) / result.speed(32):.2f}", f"{result.memory:.0f}", f"{result.start:.2f}")
        for result in results
    ]  # fmt: skip
    return markdown.table(Table(head, rows)).splitlines()


def details(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Return the ratios of single properties of our server."""
    iris, penguins = (arguments.bundles / name / "bundle" for name in ("iris", "penguins"))
    silent = contenders.ours("ours without its log", iris, LOG_PREDICTIONS="false")
    mixed = contenders.ours("penguins", penguins)
    plain = contenders.ours("ours", iris)
    by_name = {result.name: result for result in race([plain, silent, mixed], (32,), arguments)}
    ours = by_name["ours"].speed(32)
    bulk = inprocess.bulk_speed(iris, arguments.bulk_rows, folder)
    return [
        f"- 1,000 rows in one request: {thousand(iris, arguments):.2f} x onnxruntime and msgspec",
        f"- penguins (mixed types): {by_name['penguins'].speed(32) / ours:.2f} x iris",
        f"- with its log: {ours / by_name['ours without its log'].speed(32):.2f} x without",
        f"- bulk, {arguments.bulk_rows:,} rows: {bulk:.2f} x onnxruntime alone",
        f"- with every page and the API's document opened: {documented(iris):.0f} MiB",
    ]


def thousand(bundle: Path, arguments: argparse.Namespace) -> float:
    """Return the speed of a request with 1,000 rows as a share of the model and JSON alone."""
    contender = contenders.ours("1,000 rows", bundle)
    contender.body = json.dumps({"instances": inprocess.random_rows(bundle, 1000).tolist()})
    with Running(contender) as server:
        return statistics.median(
            measure(server, 1, arguments.seconds).requests_per_second
            * inprocess.seconds_of_request(bundle, contender.body)
            for _ in range(arguments.rounds)
        )


def documented(bundle: Path) -> float:
    """Return the memory in MiB after the pages that need FastAPI were opened."""
    with Running(contenders.ours("documented", bundle)) as server:
        for path in ("/", "/docs", "/openapi.json", "/metadata"):
            with urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as page:
                page.read()
        return server.resident_mebibytes


def machine() -> str:
    """Return the processor, the versions of libraries and the revision that were measured."""
    cpu = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    libraries = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    revision = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    return f"{cpu}; Python {platform.python_version()}, {libraries}; revision {revision}"


if __name__ == "__main__":
    main()
