"""Number 14: a quarter of the rows, with their truth, was in every image and nobody was told.

Rows are planted that nobody could mistake, some to train on and some held out, and looked for in
all that leaves the machine. What stays is in one file: `evaluation/holdout.json`.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import tarfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from contract import bundle
from contract.bundle import HOLDOUT, Bundle, read_notes
from contract.spec import model_toml
from judge.judge import judge
from judge.render.card import card
from judge.render.formats import formats
from tests.support.checkouts.canary import make
from tests.support.checkouts.fork import MODEL, Fork
from tests.support.models.folder import RIDGE, Folder
from tests.support.models.shop import LOGISTIC, STUMP, published
from tests.support.models.train_here import train_here

ROWS = 120
ENDS = 20  # rows at the ends of the ranges, which the manifest names
NAME = "planted-name-{}-of-a-person"
TEXT = re.compile(rb"planted-name-\d+-of-a-person|\d+\.\d+")  # what may be a planted value
TOML = """\
description = "A test"
task = "{task}"
target = "{target}"
[data]
source = "data.csv"
sha256 = "SHA256"
[inputs]
length = "numeric"
width = "numeric"
[evaluate]
columns = ["name"]
folds = 2
[gate]
{rule}
{more}
"""


def numbers(row: int) -> tuple[float, float, float]:
    """Return the planted numbers of a row: two inputs, and the target of a regression."""
    if row < ENDS:
        end = float(row % 2 * 60 - 20 + row)
        return end, end, 2 * end
    length, width = 3 + row * 37 % 41 / 7 + row / 7919, 1 + row * 31 % 43 / 7 + row / 7927
    return round(length, 9), round(width, 9), round(length + width + row % 3 / 7, 9)


def planted(rows: int = ROWS) -> str:
    """Return a CSV of rows that stand in nobody else's data."""
    lines = [
        f"{length!r},{width!r},{total!r},{NAME.format(row)},{'ab'[total > 13]}"
        for row in range(rows)
        for length, width, total in [numbers(row)]
    ]
    return "\n".join(["length,width,total,name,kind", *lines, ""])


def tokens(count: int) -> dict[bytes, str]:
    """Return what shows each planted row, as a text and as a number of a model's file."""
    shown = {}
    for row in range(ENDS, count):
        shown[NAME.format(row).encode()] = f"name of row {row}"
        for number in numbers(row):
            shown[repr(number).encode()] = f"{number} of row {row}"
            shown[struct.pack("<d", number)] = f"{number} of row {row}, as a double"
    return shown


def leaks(content: bytes, wanted: dict[bytes, str]) -> list[str]:
    """Return which planted values a file holds, in one pass over its texts and one a byte offset.

    To look for each of a thousand tokens alone takes an hour of the layers of an image.
    """
    shown = {*TEXT.findall(content)}
    packed = np.sort([struct.unpack("<d", token) for token in wanted if len(token) == 8], axis=None)
    for offset in range(8):
        doubles = np.frombuffer(content[offset : offset + (len(content) - offset) // 8 * 8], "<f8")
        places = np.searchsorted(packed, doubles).clip(max=len(packed) - 1)
        shown |= {struct.pack("<d", number) for number in doubles[packed[places] == doubles]}
    return [what for token, what in wanted.items() if token in shown]


def contents(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a file, and what is compressed in it, however deep."""
    yield name, content
    if content[:2] == b"\x1f\x8b":
        try:
            yield from contents(f"{name}: unzipped", gzip.decompress(content))
        except (OSError, EOFError, zlib.error):
            return  # begins like one and is none
    elif content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as tar:
            for member in tar:
                if member.isfile() and (file := tar.extractfile(member)):
                    files = contents(f"{name}: {member.name}", file.read())
                    yield from islice(files, 1, None)  # the archive shows the file itself


def toml(task: str, more: str = "") -> str:
    """Return a model.toml of a classification or of a regression, whose gate lets all pass."""
    target, rule = {"classification": ("kind", "accuracy = { min = 0, drop = 1 }"),
                    "regression": ("total", "rmse = { max = 1e9, drop = 1e9 }")}[task]  # fmt: skip
    return TOML.format(task=task, target=target, rule=rule, more=more)


class Trainer(NamedTuple):
    """Trains on planted rows, and keeps all that is written of them but for the holdout itself."""

    folder: Folder
    written: dict[str, bytes]

    def train(self, name: str, task: str, estimator: str, rows: int, more: str = "") -> Bundle:
        """Train a model, and look at the files of its bundle and beside it."""
        path = self.folder.root / name / "bundle"
        train_here(self.folder.write(planted(rows), toml(task, more), estimator), path)
        for file in path.parent.rglob("*.*"):
            if file.name != HOLDOUT:
                self.written[f"{name}/{file.name}"] = file.read_bytes()
        return bundle.read(path)

    def judge(self, name: str, new: Bundle, old: Bundle | None) -> None:
        """Judge a model, and look at its report and card."""
        policy = model_toml.read(self.folder.name, self.folder.root).gate
        judgement = judge(new, published(old) if old else None, policy)
        forms = formats(judgement)
        forms["card"] = card(new.manifest, read_notes(new.path), judgement.report.segments)
        self.written.update({f"{name}.{form}": content for form, content in forms.items()})


@pytest.mark.slow
def test_planted_rows_are_in_nothing_that_leaves_the_machine(
    folder: Folder, capfd: pytest.CaptureFixture[str]
) -> None:
    """Bundle, kept evaluation, reports, cards and logs of two comparisons show no planted value."""
    trainer = Trainer(folder, {})
    old = trainer.train("stump", "classification", STUMP, ROWS)
    trainer.judge("changed data", trainer.train("line", "classification", LOGISTIC, ROWS + 20), old)
    number = trainer.train("number", "regression", RIDGE, ROWS)
    trainer.judge("number", number, None)
    output = capfd.readouterr()
    everything = trainer.written | {"log": f"{output.out}{output.err}".encode()}
    # The truth of a regression stands in its evaluation, under fingerprints: see SECURITY.md.
    everything["number/evaluation.json"] = kept_without_truth(everything["number/evaluation.json"])
    wanted = tokens(ROWS + 20)
    assert len(everything) == 3 * 5 + 2 * 4 + 1
    assert [(name, leaks(content, wanted)) for name, content in everything.items()] == [
        (name, []) for name in everything
    ]


def kept_without_truth(content: bytes) -> bytes:
    """Return a kept evaluation without its truth."""
    kept = json.loads(content)
    del kept["truth"]
    return json.dumps(kept).encode()


@pytest.mark.slow
def test_planted_rows_are_shown_only_where_model_toml_says_so(folder: Folder) -> None:
    """Real examples are rows of the holdout, and a report shows rows, if both are asked for."""
    trainer = Trainer(folder, {})
    more = '[serve]\nexamples = "real"\n[privacy]\nreport = "rows"\nevaluation = "none"'
    old = trainer.train("stump", "classification", STUMP, ROWS)
    trainer.judge("shown", trainer.train("line", "classification", LOGISTIC, ROWS, more), old)
    wanted = tokens(ROWS)
    assert leaks(trainer.written["line/examples.json"], wanted)
    assert leaks(trainer.written["shown.json"], wanted)
    assert "line/evaluation.json" not in trainer.written
    page = trainer.written["shown.card"].decode()
    for words in ("rows of the holdout", "it is not published", "Rows whose prediction changed"):
        assert words in page


def test_planted_rows_would_be_found(folder: Folder) -> None:
    """What looks for planted values finds them in the table, packed or as numbers of a model."""
    wanted = tokens(ROWS)
    packed = gzip.compress(planted().encode())
    assert len(leaks(b"".join(part for _, part in contents("", packed)), wanted)) > 3 * (
        ROWS - ENDS
    )
    assert leaks(struct.pack("<3d", *numbers(ENDS + 7)), wanted)


@pytest.mark.nightly
@pytest.mark.engine
def test_planted_rows_are_in_nothing_that_a_pipeline_makes(fork: Fork, tmp_path: Path) -> None:
    """No layer, label, log, report, summary or package of a model shows a planted value."""
    folder = fork.root / "model" / MODEL
    folder.mkdir(parents=True)
    summary = tmp_path / "summary.md"
    for estimator, rows in ((STUMP, ROWS), (LOGISTIC, ROWS + 20)):
        Folder(folder).write(planted(rows), toml("classification"), estimator)
        fork.commit()
        log = make(fork, "pipeline", GITHUB_STEP_SUMMARY=str(summary))
        (fork.root / "dist" / "pipeline.log").write_text(log)
    files = [file for file in (fork.root / "dist").rglob("*") if file.is_file()]
    assert (fork.root / "dist/registry" / f"{MODEL}-evaluation/index.json") in files
    wanted = tokens(ROWS + 20)
    leaky = {
        name: values
        for file in [*files, *([summary] if summary.exists() else [])]
        for name, content in contents(str(file.relative_to(tmp_path)), file.read_bytes())
        if (values := leaks(content, wanted))
    }
    assert list(leaky) == [f"fork/dist/{MODEL}/evaluation/{HOLDOUT}"]
