"""`predict` scores rows from standard input to standard output."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contract.bundle import Bundle, Example, numbers_beside
from serve.bulk.progress import Progress
from serve.bulk.row_format import answer_names
from serve.bulk.score import run
from serve.errors import RowsRefused
from serve.settings import Settings
from tests.support.servers.server import ROOT, command, environment

pytestmark = pytest.mark.slow  # starts servers


def score(bundle: Path, table: bytes, form: str | None = None, *, skip: bool = False) -> str:
    """Run the bulk scorer in this process."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(table)
        source.seek(0)
        run(Settings(bundle=str(bundle)), form, as_stdin(source), target, skip=skip)
        target.seek(0)
        return target.read().decode()


def as_stdin(file: Any) -> Any:
    """Return an open file as standard input is: a reader that can look ahead."""
    return open(file.fileno(), "rb", closefd=False)


def as_csv(examples: list[Example], extra: str = "id") -> bytes:
    """Write golden examples as CSV, with a column the model does not know."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [extra, *examples[0].features])
    writer.writeheader()
    for number, example in enumerate(examples):
        writer.writerow({extra: f"row, {number}", **example.features})
    return text.getvalue().encode()


def test_csv_rows_come_out_with_answers(any_bundle: Bundle) -> None:
    """Every row comes out in its place, as it came in, with prediction and numbers."""
    rows = list(csv.DictReader(io.StringIO(score(any_bundle.path, as_csv(any_bundle.examples)))))
    names = answer_names(any_bundle, [])
    assert len(any_bundle.examples) == len(rows)
    for number, (example, row) in enumerate(zip(any_bundle.examples, rows, strict=True)):
        assert f"row, {number}" == row["id"]
        cells = {name: row[name] for name in names}  # text
        assert example.is_answered_by(*read_cells(any_bundle, example, cells)), row


def read_cells(bundle: Bundle, example: Example, cells: dict[str, str]) -> tuple[Any, list[float]]:
    """Return the prediction and the numbers beside it in the cells of an answer."""
    targets = bundle.manifest.targets
    if isinstance(example.prediction, dict):
        shares = list(cells.values())[len(targets) :]
        prediction = {name: json.loads(cells[f"prediction_{name}"]) for name in targets}
        return prediction, list(map(float, shares))
    label, *numbers = cells.values()
    if bundle.has_probabilities:
        numbers = numbers[1:]  # the first is that of the label, the others those of the classes
    return type(example.prediction)(label), list(map(float, numbers))


def test_json_lines_come_out_with_answers(any_bundle: Bundle) -> None:
    """JSON Lines, lists and objects mixed, come out as they came with the answer beside."""
    sent: list[Any] = [example.features for example in any_bundle.examples]
    sent[1] = list(sent[1].values())
    lines = "".join(json.dumps(row) + "\n" for row in sent).encode()
    answers = [json.loads(line) for line in score(any_bundle.path, lines, "jsonl").splitlines()]
    assert sent == [answer["features"] for answer in answers]
    for example, answer in zip(any_bundle.examples, answers, strict=True):
        assert example.is_answered_by(answer["prediction"], numbers_beside(answer)), answer


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Mars,40,male,4000", 'island must be one of "Biscoe", "Dream". Got "Mars"'),
        ("Dream,x,male,4000", 'bill must be a number (within ±3.4e38), or null. Got "x"'),
        ("Dream,40,male,", "mass must be a number (within ±3.4e38). Got null"),
        ("Dream,40,male,nan", "mass must be a number (within ±3.4e38). Got null"),
        ("Dream,40,male,inf", "mass must be a number (within ±3.4e38). Got Infinity"),
        ("Dream,40,male,1_000", 'mass must be a number (within ±3.4e38). Got "1_000"'),
        ("Dream,40,male,4000,1", "must have 4 cells. Got 5"),
        ("Dream,40,male", "must have 4 cells. Got 3"),
        ('Dream,40,"male,4000', "must be CSV. Got instead: unexpected end of data"),
    ],
)
def test_bad_csv_row_is_named(make_bundle: Any, line: str, words: str) -> None:
    """A row that cannot be scored stops the scorer and is named by number."""
    table = f"island,bill,sex,mass\nDream,,,4000\n{line}\nBiscoe,40,male,3000\n"
    with pytest.raises(RowsRefused) as refused:
        score(make_bundle("birds"), table.encode())
    assert f"Row 2: {words}" in str(refused.value).replace("The row must", "must")


def test_bad_rows_are_skipped_when_told(
    make_bundle: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --skip-bad-rows the others are scored, and the bad are named and counted."""
    table = "island,bill,sex,mass\nDream,,,4000\nMars,1,male,2\nBiscoe,40,male,3000\nDream,,\n"
    scored = score(make_bundle("birds"), table.encode(), skip=True)
    islands = [row["island"] for row in csv.DictReader(io.StringIO(scored))]
    assert islands == ["Dream", "Biscoe"]
    printed = capsys.readouterr().err
    assert "Row 2: island must be one of" in printed
    assert "Row 4: The row must have 4 cells" in printed
    assert "2 rows were refused" in printed


class Terminal(io.StringIO):
    """A stream that a person watches."""

    def isatty(self) -> bool:
        """Return that it is a terminal."""
        return True


def test_progress_is_drawn_on_a_terminal() -> None:
    """A terminal shows a bar where the end is known, and how many rows are done."""
    terminal = Terminal()
    progress = Progress(lambda: 0.5, terminal)
    progress.add(12_345)
    progress.end()
    assert " 50%  12,345 rows" in terminal.getvalue()


def test_progress_counts_where_the_end_is_unknown() -> None:
    """Rows from a pipe are counted, without a bar."""
    terminal = Terminal()
    progress = Progress(lambda: None, terminal)
    progress.add(12_345)
    progress.end()
    assert "\r12,345 rows" in terminal.getvalue()


def test_progress_is_silent_elsewhere() -> None:
    """No progress is drawn where standard error is no terminal."""
    pipe = io.StringIO()
    progress = Progress(lambda: 0.5, pipe)
    progress.add(1)
    progress.end()
    assert pipe.getvalue() == ""


def test_csv_without_a_column_is_refused(make_bundle: Any) -> None:
    """A column the model needs must be there; one that may be missing need not."""
    with pytest.raises(RowsRefused, match="must have the column mass once"):
        score(make_bundle("birds"), b"island,bill\nDream,1\n")
    assert score(make_bundle("birds"), b"mass,island\n4000,Dream\n").count("\n") == 2


def test_many_rows_stream_through(make_bundle: Any) -> None:
    """Rows beyond one batch come out complete and in order."""
    rows = "".join(f"{number},1,2,3,4\n" for number in range(20_000))
    header = "id,sepal_length,sepal_width,petal_length,petal_width\n"
    process = command("predict", stdin=(header + rows).encode(), BUNDLE=make_bundle("flowers"))
    ids = [int(line.partition(b",")[0]) for line in process.stdout.splitlines()[1:]]
    assert list(range(20_000)) == ids


@pytest.mark.parametrize("table", [b"a\xff\n", b"mass,island\n4000,Dr\xffam\n"])
def test_other_encodings_are_refused(make_bundle: Any, table: bytes) -> None:
    """Rows that are not UTF-8 are refused in words."""
    with pytest.raises(RowsRefused, match="must be UTF-8"):
        score(make_bundle("birds"), table)


def test_line_that_smuggles_rows_is_refused(make_bundle: Any) -> None:
    """A line that would be two rows if read as JSON is one bad row."""
    header = b"sepal_length,sepal_width,petal_length,petal_width\n"
    refused = command(
        "predict", stdin=header + b"1,2,3,4],[1,2,3,4\n", BUNDLE=make_bundle("flowers")
    )
    assert RowsRefused.exit_code == refused.returncode
    assert b"Row 1: The row must have 4 cells. Got 8" in refused.stderr


def test_reader_that_leaves_ends_it_quietly(make_bundle: Any) -> None:
    """`predict | head` is no error."""
    rows = "sepal_length,sepal_width,petal_length,petal_width\n" + "1,2,3,4\n" * 200_000
    pipeline = f"{sys.executable} -m serve predict | head -1"
    process = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipeline],
        input=rows.encode(),
        cwd=ROOT,
        env=environment({"BUNDLE": make_bundle("flowers")}),
        capture_output=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, b"")
    assert process.stdout.count(b"\n") == 1


def test_all_rows_may_be_bad(make_bundle: Any) -> None:
    """If every row is bad and skipped, only the header is written."""
    table = b"island,bill,sex,mass\nMars,,,4000\nMars,,,4000\n"
    assert score(make_bundle("birds"), table, skip=True).count("\n") == 1


def test_column_of_the_answers_is_refused(make_bundle: Any) -> None:
    """Rows that were scored before are not scored again beside the old answers."""
    table = b"island,mass,prediction\nDream,4000,1\n"
    with pytest.raises(RowsRefused, match="leave the column prediction to the answers"):
        score(make_bundle("birds"), table)


@pytest.mark.parametrize("begin", [b"", b"sepal_length,sepal_width,petal_length,petal_width\n"])
def test_endless_line_is_refused(make_bundle: Any, begin: bytes) -> None:
    """A line that never ends is refused before it fills the memory."""
    with pytest.raises(RowsRefused, match="at most 1,048,576 characters"):
        score(make_bundle("flowers"), begin + b"1" * 3_000_000)


@pytest.mark.daily(1)
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_rows(make_bundle: Any, tmp_path: Path, form: str) -> None:
    """Five times as many rows take at most a tenth more memory at the peak."""
    small, large = (
        peak_mebibytes(make_bundle("flowers"), rows_file(tmp_path, form, count), form)
        for count in (20_000, 100_000)
    )
    assert large < 1.1 * small


def rows_file(folder: Path, form: str, count: int) -> Path:
    """Write so many rows, all different."""
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    rows = pd.DataFrame(np.random.default_rng(0).uniform(0, 8, (count, 4)).round(2), columns=names)
    file = folder / f"{count}.{form}"
    if form == "parquet":
        rows.to_parquet(file)
    elif form == "jsonl":
        rows.to_json(file, orient="records", lines=True)
    else:
        rows.to_csv(file, index=False)
    return file


MEASURED = """
import sys
import tempfile
from pathlib import Path
from serve.__main__ import main
code = main(sys.argv[1:])
peak = next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM"))
print(peak.split()[1], file=sys.stderr)
sys.exit(code)
"""


def peak_mebibytes(bundle: Path, rows: Path, form: str) -> float:
    """Return the greatest resident memory of the bulk scorer."""
    with rows.open("rb") as source:
        process = subprocess.run(
            [sys.executable, "-c", MEASURED, "predict", "--format", form],
            cwd=ROOT, env=environment({"BUNDLE": bundle}), check=True,
            stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
    return int(process.stderr) / 1024
