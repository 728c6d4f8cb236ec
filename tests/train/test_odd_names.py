"""A table with every odd name is drafted, trained, judged and described as any other."""

from __future__ import annotations

import json
import re
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from contract import bundle as bundles
from contract.bundle import Bundle
from contract.errors import ModelError
from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec
from judge.judge import judge
from judge.render.card import card
from judge.render.formats import formats
from serve.inference.predictor import Predictor
from tests.support.models.folder import MIXED, Folder, default_toml
from tests.support.models.odd_names import CLASSES, NUMERIC, TARGET, TEXTS, odd_csv
from tests.support.models.shop import published
from tests.support.models.train_here import train_here
from train.new_model.create import create

pytestmark = pytest.mark.slow  # trains models

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NAMES = [*NUMERIC, *TEXTS]


class Odd(NamedTuple):
    """A drafted model, and its bundle."""

    spec: ModelSpec
    bundle: Bundle


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Odd:
    """The model that `make new-model` drafts, with an estimator that is quick to train."""
    root = tmp_path_factory.mktemp("models")
    table = root / "table.csv"
    table.write_bytes(odd_csv().encode())
    create("odd", table, TARGET, root)
    (root / "odd" / "estimator.py").write_text(MIXED)
    spec = model_toml.read("odd", root)
    train_here(spec, root / "bundle")
    return Odd(spec, bundles.read(root / "bundle"))


@pytest.mark.nightly
def test_odd_names_are_kept_from_table_to_graph(odd: Odd) -> None:
    """Draft and bundle have each name as the table has it, and the graph answers as recorded."""
    assert sorted(odd.spec.inputs) == sorted(NAMES)
    assert [field.name for field in odd.bundle.manifest.inputs] == list(odd.spec.inputs)
    assert odd.bundle.manifest.classes == sorted(CLASSES)
    assert odd.bundle.manifest.runtime == "onnx", odd.bundle.manifest.runtime_reason
    Predictor(odd.bundle, 1).prove()


@pytest.mark.nightly
def test_odd_names_stay_in_their_cells(odd: Odd) -> None:
    """Card and reports show each name as text, in a table of as many rows and cells as ever."""
    judgement = judge(odd.bundle, published(odd.bundle), odd.spec.gate)
    scored = judgement.report.segments
    described = GFM.render(card(odd.bundle.manifest, "", scored).decode())
    table = described.partition("Seen in training")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    assert [row.count("<td>") for row in rows] == [4] * len(NAMES)
    assert "<b>&amp;" not in described
    written = {form: text.decode() for form, text in formats(judgement).items()}
    assert "<b>&amp;" not in written["html"] + GFM.render(written["md"])
    assert "</script>" not in written["html"]
    for picture in re.findall(r"<svg.*?</svg>", written["html"], re.DOTALL):
        ET.fromstring(picture)  # noqa: S314 - our own output
    assert json.loads(written["json"])["verdict"] == "passed"


def test_name_that_arrays_cut_off_is_refused(folder: Folder) -> None:
    """Numpy ends a text at NUL, so that training asks for another name."""
    csv = "x,y\n1,a\n"
    toml = default_toml(csv).replace('x = "numeric"', '"x\\u0000" = "numeric"')
    with pytest.raises(ModelError, match=r"'x\\x00' must be without NUL\. Got .* Rename it in"):
        folder.write(csv, toml)
