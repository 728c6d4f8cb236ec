"""Which rows are held out: by hash, at random, by group, by time, or as a column says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pyarrow import ipc

from contract.bundle import Dialect
from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from tests.support.models.folder import Folder, default_toml, two_classes
from train.data import dataset
from train.data.split import Part, split
from train.data.split_keys import row_hashes, shares
from train.fit.cross_validation import folds
from train.log import Log
from train.steps.rows import TRAINING, load_training, prepare

Write = Callable[[str, str], ModelSpec]


def table(rows: int, seed: int = 0) -> list[str]:
    """Return lines of a number, a person of about five rows, a day, a side and a class."""
    random = np.random.default_rng(seed)
    return [
        f"{random.normal():.6f},p{random.integers(rows // 5)},"
        f"{datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=int(random.integers(rows // 2)))},"
        f"{'test' if random.random() < 0.3 else 'train'},{'yn'[row % 2]}"
        for row in range(rows)
    ]


@pytest.fixture
def write(folder: Folder) -> Write:
    """Write a model of the lines of `table`, and of a [split]."""

    def write_model(lines: str, rule: str) -> ModelSpec:
        toml = default_toml("x,y\n").replace('method = "random"', rule)
        return folder.write(f"x,person,day,side,y\n{lines}\n", toml)

    return write_model


def sides(spec: ModelSpec) -> tuple[Part, Part]:
    """Return the training rows and the holdout rows of a model."""
    return split(spec, dataset.load(spec))


def test_new_rows_move_none_that_a_hash_has_placed(write: Write) -> None:
    """Rows that come later, between the others, change the place of none that was there."""
    lines = table(300)
    before = {lines[row] for row in sides(write("\n".join(lines), ""))[1].ids}
    more = [line for pair in zip(lines, table(300, seed=1), strict=True) for line in pair]
    after = {more[row] for row in sides(write("\n".join(more), ""))[1].ids}
    assert after & {*lines} == before
    assert len(before) == pytest.approx(75, abs=20)


def test_random_draw_does_move_rows_when_new_ones_come(write: Write) -> None:
    """What a hash prevents happens to a random split: the test above can fail."""
    lines, rule = table(300), 'method = "random"'
    before = {lines[row] for row in sides(write("\n".join(lines), rule))[1].ids}
    more = [*lines, *table(10, seed=1)]
    assert {more[row] for row in sides(write("\n".join(more), rule))[1].ids} & {*lines} != before


def test_equal_rows_are_on_the_same_side_of_a_hash(write: Write) -> None:
    """A row that stands in the table twice is not both learned and judged by."""
    lines = table(200) * 3
    train, holdout = sides(write("\n".join(lines), ""))
    assert {lines[row] for row in train.ids} & {lines[row] for row in holdout.ids} == set()


def test_other_inputs_and_another_seed(write: Write, folder: Folder) -> None:
    """A row's place depends on its cells, whichever are inputs, and on the seed."""
    lines = "\n".join(table(300))
    first = sides(write(lines, ""))[1].ids.tolist()
    assert sides(write(lines, "seed = 1"))[1].ids.tolist() != first
    toml = default_toml("x,y\n").replace('x = "numeric"', 'person = "categorical"')
    toml = toml.replace('method = "random"\n', "")
    spec = folder.write(f"x,person,day,side,y\n{lines}\n", toml)
    assert sides(spec)[1].ids.tolist() == first


def test_hash_reads_a_row_as_a_person_does() -> None:
    """Order of columns, the spelling of a number, an empty column and a numbering do not count."""
    parse = Dialect().number
    plain = row_hashes({"a": ["1", "x"], "b": ["", "0"]}, [""], parse)
    other = row_hashes(
        {"c": ["", ""], "unnamed_1": ["7", "8"], "b": ["", "-0"], "a": ["1.0", "x"]}, [""], parse
    )
    typed = row_hashes({"a": ["1", "x"], "b": np.array([np.nan, 0.0])}, [""], parse)
    assert plain.tolist() == other.tolist() == typed.tolist()
    assert len({*plain.tolist(), *row_hashes({"a": ["", "0"], "b": ["1", "x"]}, [""], parse)}) == 4


def test_hash_stays_what_it_is() -> None:
    """Another pandas or NumPy that hashed differently would reshuffle what models hold out."""
    hashes = row_hashes({"a": ["1.5", "é"], "b": ["-2", ""]}, [""], Dialect().number)
    assert hashes.tolist() == [10343447013813550087, 14645947681065357088]
    assert shares(hashes, 0).tolist() == [0.058693578351314835, 0.5240692896781417]


@pytest.mark.parametrize("seed", range(3))
def test_groups_are_never_on_both_sides(write: Write, seed: int) -> None:
    """No person is both learned and judged by: not in the holdout, nor in any fold."""
    lines = table(400, seed)
    spec = write("\n".join(lines), f'method = "group"\ncolumn = "person"\nseed = {seed}')
    persons = np.array([line.split(",")[1] for line in lines])
    train, holdout = sides(spec)
    assert {*persons[train.ids]} & {*persons[holdout.ids]} == set()
    assert len(holdout.y) == pytest.approx(100, abs=40)
    for learn, judge in folds(spec, train, 4):
        assert {*persons[train.ids[learn]]} & {*persons[train.ids[judge]]} == set()
        assert len(judge) > 0


def test_group_keeps_its_side_when_it_gets_more_rows(write: Write) -> None:
    """A person's later rows go where the earlier ones are."""
    rule = 'method = "group"\ncolumn = "person"'
    lines, later = table(300), table(300, seed=1)
    first, second = (sides(write("\n".join(rows), rule)) for rows in (lines, later))
    persons = [{rows[row].split(",")[1] for row in part.ids}
               for rows, part in ((lines, first[0]), (later, second[1]))]  # fmt: skip
    assert persons[0] & persons[1] == set()


@pytest.mark.parametrize(
    ("rule", "share"), [("", 0.25), ("test_size = 0.1", 0.1), ("cut = 2024-04-01", None)]
)
def test_training_is_before_what_it_is_judged_by(write: Write, rule: str, share: float) -> None:
    """Every training row is older than every held-out one, and so it is in every fold."""
    lines = table(300)
    spec = write("\n".join(lines), f'method = "time"\ncolumn = "day"\n{rule}')
    days = np.array([line.split(",")[2][:10] for line in lines])
    train, holdout = sides(spec)
    assert max(days[train.ids]) < min(days[holdout.ids])
    if share:
        assert len(holdout.y) == pytest.approx(300 * share, abs=6)
    else:
        assert max(days[train.ids]) < "2024-04-01" <= min(days[holdout.ids])
    parts = folds(spec, train, 3)
    for learn, judge in parts:
        assert max(days[train.ids[learn]]) < min(days[train.ids[judge]])
    assert [len(learn) for learn, _ in parts] == sorted(len(learn) for learn, _ in parts)


def test_times_may_be_numbers(write: Write) -> None:
    """A column such as the year is a time too, and so is a number at which to cut."""
    lines = "\n".join(
        f"{row % 7},p,{2000 + row % 20},train,{'yn'[row // 2 % 2]}" for row in range(200)
    )
    train, holdout = sides(write(lines, 'method = "time"\ncolumn = "day"\ncut = 2015'))
    assert ({row % 20 < 15 for row in train.ids}, len(holdout.y)) == ({True}, 50)


def test_column_says_which_rows_are_held_out(write: Write) -> None:
    """With `given`, the rows that say test are held out, and no other."""
    lines = table(200)
    holdout = sides(write("\n".join(lines), 'method = "given"\ncolumn = "side"'))[1]
    assert holdout.ids.tolist() == [row for row, line in enumerate(lines) if ",test," in line]


def groups_of(part: Part) -> list[int] | None:
    """Return the groups of a part as a list."""
    return None if part.groups is None else part.groups.tolist()


def test_groups_reach_the_fit_as_numbers(write: Write, tmp_path: Path) -> None:
    """Training rows carry what folds must respect, and not the names of their groups."""
    spec = write("\n".join(table(200)), 'method = "group"\ncolumn = "person"')
    prepare(spec, tmp_path / "rows", Log("made"))
    groups = load_training(tmp_path / "rows").part.groups
    assert groups is not None
    assert groups.tolist() == groups_of(sides(spec)[0])
    columns = ipc.open_file(tmp_path / "rows" / TRAINING).schema.names
    assert columns == ["input:x", "truth", "ids", "groups"]


MISTAKES = {
    "method": ('method = "stratified"', ["split.method", "hash", "random", "group"]),
    "column without need": ('column = "person"', ["split.column", "absent", '"group" or "time"']),
    "cut without need": ("cut = 3", ["split.cut must be absent", '"time"']),
    "no column": ('method = "group"', ["split.column", "a text that is not empty"]),
    "target": ('method = "group"\ncolumn = "y"', ["another column than the target"]),
    "absent column": ('method = "group"\ncolumn = "persn"', ["column of data.csv", "'person'?"]),
    "two cuts": ('method = "time"\ncolumn = "day"\ncut = 3\ntest_size = 0.2', ["absent beside"]),
    "cut": ('method = "time"\ncolumn = "day"\ncut = true', ["a date or a number", "Got True"]),
    "cut of another kind": ('method = "time"\ncolumn = "day"\ncut = "now"', ["ISO 8601", "'now'"]),
    "late cut": ('method = "time"\ncolumn = "day"\ncut = 2031-01-01', ["both sides", "100 and 0"]),
    "word for a date": ('method = "time"\ncolumn = "person"\ncut = "today"', ["row 1", "a date"]),
    "no date": ('method = "time"\ncolumn = "person"', ["column 'person', row 1", "ISO 8601"]),
    "no side": ('method = "given"\ncolumn = "person"', ["row 1", "train or test", "[split]"]),
    "few groups": ('method = "group"\ncolumn = "side"', ["Add rows", "split.seed"]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_split_names_a_mistake_and_its_cure(write: Write, mistake: str) -> None:
    """What cannot be split by is named, with what was expected and what mends it."""
    rule, words = MISTAKES[mistake]
    with pytest.raises(ModelError) as caught:
        sides(write("\n".join(table(100)), rule))
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_class_that_a_hash_leaves_out_has_a_cure(write: Write) -> None:
    """Where a hash holds out no row of a rare class, the message names the stratified split."""
    lines = table(60)
    rare = [f"{line[:-1]}z" if row in (2, 4) else line for row, line in enumerate(lines)]
    cured = r"class 'z' .* write method = .random. under \[split\]"
    specs = (write("\n".join(rare), f"seed = {seed}") for seed in range(9))
    with pytest.raises(ModelError, match=cured):
        print([sides(spec) for spec in specs])


def test_class_that_the_gate_names_must_exist(folder: Folder) -> None:
    """A misspelt class is named before anything is fitted, with the one that was meant."""
    toml = default_toml("x,y\n").replace("accuracy = {", 'recall = { class = "yess",')
    spec = folder.write(two_classes(), toml)
    with pytest.raises(ModelError, match=r"gate\.recall\.class must be a class of 'y'.*'yes'"):
        sides(spec)


def test_rows_can_be_split_again(write: Write) -> None:
    """Whoever tries one split after another has the same rows for each."""
    spec = write("\n".join(table(100)), "")
    data = dataset.load(spec)
    first, again = split(spec, data), split(spec, data)
    for part, same in zip(first, again, strict=True):
        assert list(part.X) == list(spec.inputs)
        assert part.X.equals(same.X)
