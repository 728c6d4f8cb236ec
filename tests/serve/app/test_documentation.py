"""What is written about the server is what it does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from serve import errors, settings
from serve.api import paths
from serve.app.app import create_app
from serve.monitoring.metrics import STATUSES
from serve.settings import Settings
from tests.support.servers.server import Server, command

ROOT = Path(__file__).parents[3]
README = (ROOT / "serve/README.md").read_text(encoding="utf-8")


def table(heading: str) -> list[tuple[str, ...]]:
    """Return the cells of the table under a heading, without its head."""
    section = README.partition(f"# {heading}\n")[2].partition("\n# ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip().strip("`") for cell in line.strip("|").split("|")) for line in lines]


def test_readme_lists_every_setting() -> None:
    """The table of settings has each with its default and meaning, and no other."""
    assert settings.rows() == table("Settings")


def test_readme_requests_are_answered(flowers_server: Server) -> None:
    """Every request in the README is one that an iris model answers."""
    requests = re.findall(r"^curl localhost:8080(\S+) --json '(.+)'$", README, re.MULTILINE)
    assert len(requests) >= 4
    for path, body in requests:
        answer = flowers_server.send(body.encode(), path.replace("iris", "flowers"))
        assert answer.status_code == 200, answer.text


def test_readme_names_every_route(flowers_server: Server) -> None:
    """No route of the document is missing from the README's table."""
    routes = README.partition("| For |")[2].partition("\n\n")[0]
    paths_ = flowers_server.get("/openapi.json").json()["paths"]
    beginnings = {re.split(r"(?<=.)[/:]", path)[0] for path in paths_}
    assert {beginning for beginning in beginnings if f"`{beginning}" not in routes} == set()


def test_help_lists_every_setting() -> None:
    """`--help` prints each setting."""
    printed = command("--help").stdout.decode()
    for name, _, meaning in settings.rows():
        assert name in printed
        assert meaning in printed


def test_readme_lists_every_exit_code() -> None:
    """The table of exit codes is the index of failures."""
    kinds = sorted(errors.Failure.__subclasses__(), key=lambda kind: kind.exit_code)
    expected = [
        (str(kind.exit_code), kind.__name__, str(kind.__doc__).splitlines()[0]) for kind in kinds
    ]
    assert expected == table("Exit codes")


def test_every_refusal_has_a_counter() -> None:
    """No status that the server answers is missing from the metrics."""
    kinds: list[type[errors.Refusal]] = [errors.Refusal, *errors.Refusal.__subclasses__()]
    assert {kind.status for kind in kinds} <= set(STATUSES)


def test_settings_are_the_only_reader_of_the_environment() -> None:
    """No other module of the server asks for environment variables."""
    readers = {
        file.name
        for file in (ROOT / "serve").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb")
    }
    assert readers == {"settings.py"}


def test_empty_setting_counts_as_unset() -> None:
    """`PORT=` in an env file is the default."""
    assert settings.load({"PORT": "", "MAX_ROWS": "7", "PAGE": "false"}) == Settings(
        max_rows=7, page=False
    )


def test_every_route_is_counted_by_its_path(flowers_server: Server) -> None:
    """Each route of the application is one that the metrics know."""
    bundle = str(flowers_server.settings["BUNDLE"])
    app = create_app(Settings(bundle=bundle, aip_health_route="/h", aip_predict_route="/p"))
    service = app.state.service
    known = paths.known(service.manifest, service.settings)
    routes = {re.sub(r"\W+$", "", path) or "/" for path in app.openapi()["paths"]}
    assert {"/predict", "/h", "/p", "/v2", "/metadata"} <= routes
    assert routes <= set(known)
