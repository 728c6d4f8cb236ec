"""What a person should know of a table is said before anything is fitted to it."""

from __future__ import annotations

import re

import pytest

from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from tests.support.models.folder import Folder, default_toml
from train.data import dataset, table_checks
from train.data.split import split


def warnings(spec: ModelSpec) -> list[str]:
    """Return every warning about a model's table."""
    data = dataset.load(spec)
    before = table_checks.before_split(spec, data)
    return before + table_checks.after_split(spec, *split(spec, data))


def table(x: str, y: str = "ab", rows: int = 40, header: str = "x,y") -> str:
    """Return a CSV whose cells repeat these, split at blanks where there are any."""
    cells, labels = x.split(" "), y.split(" ") if " " in y else list(y)
    lines = [f"{cells[row % len(cells)]},{labels[row % len(labels)]}" for row in range(rows)]
    return header + "\n" + "\n".join(lines) + "\n"


def test_good_table_is_no_reason_for_a_warning(folder: Folder) -> None:
    """Who does everything right reads nothing."""
    assert warnings(folder.write(table("1 2 3"))) == []
    assert warnings(folder.write_birds()) == []
    assert warnings(folder.write_prices()) == []


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(
    "method", ['"hash"', '"random"', '"time"\ncolumn = "x"', '"group"\ncolumn = "x"']
)
def test_target_without_a_value_is_named(folder: Folder, task: str, method: str) -> None:
    """A target that is missing in every row is refused as that, whatever the task and split."""
    csv = table("1 2 3", "NA ")
    toml = default_toml(csv).replace("classification", task)
    toml = toml.replace("accuracy", "accuracy" if task == "classification" else "r2")
    spec = folder.write(csv, toml.replace('"random"', method))
    with pytest.raises(ModelError, match=r"data\.csv: column 'y' must be filled in.* any of 40 ro"):
        warnings(spec)


def test_input_without_a_value_is_named(folder: Folder) -> None:
    """An input that is missing in every training row is refused, a number or a text."""
    csv = table("1,, 2,,", header="x,empty,hollow,y")
    toml = default_toml(csv).replace('hollow = "numeric"', 'hollow = "categorical"')
    with pytest.raises(ModelError) as caught:
        warnings(folder.write(csv, toml))
    message = str(caught.value)
    assert (
        "inputs 'empty', 'hollow' must be filled in for some training rows. Got no value" in message
    )
    assert "Remove it from [inputs]" in message


def test_input_that_never_changes_is_named(folder: Folder) -> None:
    """An input with the same value in every training row is a warning, and gaps are a change."""
    csv = table("1,3,u,4 2,3,u,", header="x,same,text,gaps,y")
    toml = default_toml(csv).replace('text = "numeric"', 'text = "categorical"')
    (warning,) = warnings(folder.write(csv, toml))
    assert warning.startswith("'same', 'text' never changes in the training rows: remove it")


@pytest.mark.parametrize(
    ("kind", "many"), [("categorical", 201), ("text", 201), ("categorical", 200)]
)
def test_input_of_many_categories_is_named(folder: Folder, kind: str, many: int) -> None:
    """Above 200 training values a warning names the two ways out; a text has none to count."""
    csv = table(" ".join(["NA", *(f"word{number}" for number in range(many))]), rows=2_000)
    toml = default_toml(csv).replace('x = "numeric"', f'x = "{kind}"')
    concerns = warnings(folder.write(csv, toml))
    assert len(concerns) == (kind == "categorical" and many > 200)
    for concern in concerns:
        assert concern.startswith("'x' has 201 categories")
        assert '"text"' in concern
        assert "TargetEncoder" in concern


@pytest.mark.parametrize("sign", [";", "|", ", "])
def test_several_labels_in_a_cell_are_named(folder: Folder, sign: str) -> None:
    """Cells such as `x;z` beside `x` and `z` are many labels, which no class is."""
    csv = "x,y\n" + "".join(f'{row},"{label}"\n' for row in range(20)
                            for label in ("x", "z", f"x{sign}z"))  # fmt: skip
    (warning,) = warnings(folder.write(csv))
    assert f"column 'y' joins labels by {sign.strip()!r}, such as 'x{sign}z'" in warning
    assert "name all of them in target" in warning


def test_several_labels_are_named_before_their_classes_are_too_small(folder: Folder) -> None:
    """The warning comes first: a class with one row is only what follows from it."""
    data = dataset.load(spec := folder.write(table("1 2 3", "x y x|y x|z y|z x|z y|z y")))
    assert "joins labels by '|', such as 'x|y'" in table_checks.before_split(spec, data)[0]


def test_sign_within_a_class_is_no_second_label(folder: Folder) -> None:
    """Classes whose names hold a comma are left alone."""
    csv = "x,y\n" + "".join(f'{row},"{label}"\n' for row in range(20)
                            for label in ("yes, sure", "yes, maybe", "no"))  # fmt: skip
    assert warnings(folder.write(csv)) == []


def unseen(categories: int) -> str:
    """Return a table with so many categories, each in one row alone."""
    return "t,y\n" + "".join(f"{row % categories} th,{'ab'[row % 2]}\n" for row in range(40))


TEXT = default_toml("t,y\n").replace('t = "numeric"', 't = "categorical"')


def test_model_that_would_refuse_every_held_out_row_is_none(folder: Folder) -> None:
    """Where no held-out row can be asked, there is nothing to judge, and no golden example."""
    with pytest.raises(ModelError) as caught:
        warnings(folder.write(unseen(40), TEXT))
    message = str(caught.value)
    assert "held-out rows must be rows that the served model takes. Got 10 rows" in message
    assert "what no training row has in 't'" in message
    assert 'unknown_category = "ignore"' in message


def test_held_out_rows_that_would_be_refused_are_counted(folder: Folder) -> None:
    """Some such rows are a warning without their values, which belong to the data."""
    (warning,) = warnings(folder.write(unseen(30), TEXT))
    assert "of 10 held-out rows would be refused" in warning
    assert not re.search(r"\d th", warning)
    toml = TEXT + '[serve]\nunknown_category = "ignore"\n'
    assert warnings(folder.write(unseen(30), toml)) == []
