"""The page at / is used in a real browser, and looks after who uses it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from model.bundle import Bundle
from tests.serve.server import Server

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def browse(server: Server, tmp_path: Path, path: str = "/") -> str:
    """Return the page as a browser has it when its scripts are done."""
    assert CHROMIUM
    return subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=10000",
            f"--user-data-dir={tmp_path}",
            f"--screenshot={tmp_path / 'page.png'}",
            "--window-size=900,1100",
            "--dump-dom",
            server.url(path),
        ],
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout.decode()


@pytest.mark.docker
def test_page_predicts_in_a_browser(any_server: Server, any_bundle: Bundle, tmp_path: Path) -> None:
    """The form has a field per input, filled in; the prediction and the metrics are there."""
    dom = browse(any_server, tmp_path)
    for field in any_bundle.manifest.inputs:
        assert re.search(rf'<(input|select)[^>]* name="{field.name}"', dom)
    answer = re.search(r'<div id="answer">([^<]+)</div>', dom)
    assert answer
    assert answer[1] not in ("…", "none")
    assert '<p id="problem"></p>' in dom
    assert dom.count('class="bar"') == len(any_bundle.manifest.classes or [])
    for metric in any_bundle.manifest.metrics.holdout:
        assert f'<th scope="row">{metric.replace("_", " ")}</th>' in dom
    assert (tmp_path / "page.png").stat().st_size > 10_000


@pytest.mark.docker
def test_docs_work_in_a_browser(flowers_server: Server, tmp_path: Path) -> None:
    """The page of the API lists the routes."""
    dom = browse(flowers_server, tmp_path, "/docs")
    assert "<code>/predict</code>" in dom
    assert "<code>/v2/models/flowers/infer</code>" in dom


def test_page_allows_its_own_scripts_only(flowers_server: Server) -> None:
    """The policy admits nothing but the page's own script, style and requests."""
    policy = flowers_server.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_page_can_be_switched_off(make_bundle: Callable[[str], Path]) -> None:
    """PAGE=false leaves a 404 in its place."""
    with Server(make_bundle("flowers"), PAGE="false") as server:
        answer = server.get("/")
        assert answer.status_code == 404
        assert "PAGE" in answer.json()["error"]
