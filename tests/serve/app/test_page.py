"""The page at / is used in a real browser, and looks after who uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contract import bundle as bundles
from contract.bundle import Bundle, Value
from tests.serve.app.browser import Browser
from tests.support.models.odd_names import TEXTS
from tests.support.servers.server import Server

ANSWERED = "![undefined, '…'].includes(document.querySelector('#answer')?.textContent)"
FOCUSED = """(() => {
    const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
    const fields = [...document.querySelectorAll("input, select, button")];
    const isOutlined = outlineStyle === "solid" && parseFloat(outlineWidth) >= 2;
    return [fields.indexOf(document.activeElement), isOutlined];
})()"""
FIELDS = "document.querySelectorAll('input, select')"
SPY = """
    window.sent = [];
    window.ask = window.fetch;
    window.fetch = (path, options) => {
        sent.push(JSON.parse(options.body));
        return ask(path, options);
    };
"""
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that all tests of the page share."""
    with Browser(tmp_path_factory.mktemp("browser")) as running:
        yield running


def as_typed(value: Value) -> str:
    """Return a value as JavaScript writes it into a field."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).removesuffix(".0")


def text(browser: Browser, selector: str) -> str:
    """Return the text of the element that a selector finds."""
    return str(browser.run(f"document.querySelector({selector!r}).textContent"))


@pytest.mark.daily(3)
@pytest.mark.engine
def test_page_predicts_in_a_browser(
    any_server: Server, any_bundle: Bundle, browser: Browser
) -> None:
    """The form has a field per input, filled in; the prediction and the metrics are there."""
    browser.open(any_server.url("/"), ANSWERED)
    values = browser.run(
        "[...document.querySelectorAll('label > :last-child')].map(node => node.value)"
    )
    features = any_bundle.examples[0].features
    assert [as_typed(features[field.name]) for field in any_bundle.manifest.inputs] == values
    prediction = any_bundle.examples[0].prediction
    assert text(browser, "#answer") == as_shown(prediction)
    assert text(browser, "#problem") == ""
    bars = browser.run("document.querySelectorAll('.bar').length")
    assert bars == len((any_bundle.has_probabilities and any_bundle.manifest.classes) or [])
    is_scored = "Anomaly score" in text(browser, "#bars")
    assert is_scored == (any_bundle.manifest.anomaly is not None)
    card = text(browser, "#card")
    for metric in any_bundle.manifest.metrics.holdout:
        assert metric.replace("_", " ") in card


def as_shown(prediction: Any) -> str:
    """Return a prediction as the page shows it: of several targets each with its name."""
    if isinstance(prediction, dict):
        return "".join(f"{name}: {as_shown(value)}" for name, value in prediction.items())
    if isinstance(prediction, bool):
        return str(prediction).lower()
    return f"{prediction:.4g}" if isinstance(prediction, float) else str(prediction)


@pytest.mark.engine
def test_page_is_used_with_the_keyboard_alone(flowers_server: Server, browser: Browser) -> None:
    """Tab reaches every field and the button, and shows where it is; Enter asks for an answer."""
    browser.open(flowers_server.url("/"), ANSWERED)
    reached = []
    for _ in range(5):
        browser.press("Tab")
        reached.append(browser.run(FOCUSED))
    assert reached == [[place, True] for place in range(5)]
    for place, number in ((2, "6.5"), (3, "2.3")):
        browser.run(f"document.querySelectorAll('input')[{place}].select()")
        browser.write(number)
    browser.press("Enter")
    row = {"features": browser.run("[...document.querySelectorAll('input')].map(i => +i.value)")}
    assert row["features"][2:] == [6.5, 2.3]
    expected = flowers_server.post("/predict", row).json()["prediction"]
    assert expected != "setosa"
    browser.wait(f"document.querySelector('#answer').textContent === {expected!r}")


@pytest.mark.engine
def test_page_has_a_field_for_each_kind_of_column(
    make_bundle: Callable[[str], Path], browser: Browser
) -> None:
    """A date has a picker, a boolean a switch, a text a box, and what is changed is asked."""
    with Server(make_bundle("visits")) as server:
        browser.open(server.url("/"), ANSWERED)
        types = browser.run(
            "[...document.querySelectorAll('label > :last-child')].map(n => n.type)"
        )
        assert types == [
            "datetime-local",
            "select-one",
            "checkbox",
            "textarea",
            "select-one",
            "text",
        ]
        browser.run("""(() => {
            const [day, smoker, switch_, note] = document.querySelectorAll('label > :last-child');
            [day.value, smoker.value, note.value] = ["2024-02-29T18:30", "", "Pain: ça"];
            switch_.checked = true;
            window.sent = null;
            window.fetch = (_, { body }) => new Promise(() => { window.sent = JSON.parse(body); });
            document.querySelector('form button').click();
        })()""")
        sent = browser.run("window.sent.features")
    row = list(sent.values()) if isinstance(sent, dict) else sent
    assert row[:4] == ["2024-02-29T18:30", None, True, "Pain: ça"]
    assert len(row) == 6


@pytest.mark.engine
def test_page_leads_back_to_a_wrong_field(flowers_server: Server, browser: Browser) -> None:
    """A value that is refused is marked and focused, and the reason stands below."""
    browser.open(flowers_server.url("/"), ANSWERED)
    browser.run("document.querySelectorAll('input')[1].select()")
    browser.write("wide")
    browser.press("Tab")
    browser.press("Tab")
    browser.press("Tab")
    browser.press("Enter")
    browser.wait("document.activeElement === document.querySelectorAll('input')[1]")
    assert browser.run("document.activeElement.getAttribute('aria-invalid')") == "true"
    assert 'must be a number (within ±3.4e38). Got "wide"' in text(browser, "#problem")


@pytest.fixture(scope="module")
def odd(make_bundle: Callable[[str], Path]) -> Iterator[tuple[Server, list[str]]]:
    """A server of inputs with odd names, and these names."""
    path = make_bundle("odd")
    with Server(path) as server:
        yield server, [field.name for field in bundles.read(path).manifest.inputs]


@pytest.mark.engine
def test_page_asks_with_the_value_of_each_field(
    odd: tuple[Server, list[str]], browser: Browser
) -> None:
    """A column may be called like a part of a form or like a number: its own field is read."""
    server, names = odd
    browser.open(server.url("/"), ANSWERED)
    browser.run(SPY)
    numbers = range(len(TEXTS), len(names))
    for place in numbers:
        browser.run(f"{FIELDS}[{place}].value = {place}")
    browser.run("document.querySelector('button').click()")
    browser.wait("sent.length === 1")
    assert browser.run("sent[0].features")[len(TEXTS) :] == list(numbers)
    labels = browser.run("[...document.querySelectorAll('label span')].map(n => n.textContent)")
    assert len(set(labels)) == len(names)


@pytest.mark.engine
@pytest.mark.parametrize("name", ["length", "0", "1", "1,0", "constructor", "name", "append", "\\"])
def test_page_marks_the_field_of_an_odd_name(
    odd: tuple[Server, list[str]], browser: Browser, name: str
) -> None:
    """A refusal of one column leads to the field of that column and of no other."""
    server, names = odd
    browser.open(server.url("/"), ANSWERED)
    place = names.index(name)
    browser.run(f"{FIELDS}[{place}].append(new Option('wrong')); {FIELDS}[{place}].value = 'wrong'")
    browser.run("document.querySelector('button').click()")
    browser.wait("document.querySelector('#problem').textContent !== ''")
    marked = f"[...{FIELDS}].map(field => field.getAttribute('aria-invalid') === 'true')"
    assert browser.run(marked) == [other == name for other in names]
    assert browser.run(f"document.activeElement === {FIELDS}[{place}]")


@pytest.mark.engine
def test_page_marks_every_wrong_field(flowers_server: Server, browser: Browser) -> None:
    """Of two wrong fields both are marked, and the first is where one goes on."""
    browser.open(flowers_server.url("/"), ANSWERED)
    for place in (1, 3):
        browser.run(f"{FIELDS}[{place}].value = 'wide'")
    browser.run("document.querySelector('button').click()")
    browser.wait("document.querySelectorAll('[aria-invalid=true]').length === 2")
    browser.wait(f"document.activeElement === {FIELDS}[1]")


@pytest.mark.engine
@pytest.mark.parametrize("path", ["/", "/docs"])
def test_page_fits_a_phone(
    birds_server: Server, browser: Browser, tmp_path: Path, path: str
) -> None:
    """Nothing is wider than the screen of a phone, and what one touches is large enough."""
    browser.open(birds_server.url(path), "document.querySelectorAll('button').length > 0", **PHONE)
    assert browser.run("document.documentElement.scrollWidth") <= PHONE["width"]
    visible = "[...document.querySelectorAll('input, select, button')].filter(n => n.offsetHeight)"
    assert browser.run(f"{visible}.every(node => node.offsetHeight >= 24)")
    browser.screenshot(tmp_path / "phone.png")
    assert (tmp_path / "phone.png").stat().st_size > 10_000


@pytest.mark.engine
def test_docs_work_in_a_browser(flowers_server: Server, browser: Browser) -> None:
    """The page of the API lists the routes, and sends the request that stands in its form."""
    browser.open(flowers_server.url("/docs"), "document.querySelector('details') !== null")
    routes = text(browser, "#routes")
    assert "/predict" in routes
    assert "/v2/models/flowers/infer" in routes
    browser.run("document.querySelector('details button').click()")
    browser.wait("document.querySelector('details pre').textContent.startsWith('200')")


def test_page_allows_its_own_scripts_only(flowers_server: Server) -> None:
    """The policy admits nothing but the page's own script, style and requests."""
    policy = flowers_server.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.slow
def test_page_can_be_switched_off(make_bundle: Callable[[str], Path]) -> None:
    """PAGE=false leaves a 404 in its place."""
    with Server(make_bundle("flowers"), PAGE="false") as server:
        answer = server.get("/")
        assert answer.status_code == 404
        assert "PAGE" in answer.json()["error"]
