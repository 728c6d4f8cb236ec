"""Twelve tables as people have them, and a model folder around each.

Ten become images. Two are refused: what they ask for is no task here. Their rows are drawn by fixed
seeds; what there is to learn in them is put there on purpose, so that each gate means something.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

README = "# {title}\n\nMade rows, as people have them.\n\n## Limits\n\nNobody should use it.\n"
COLUMNS = '''
"""Each kind of column in its usual form, before a booster."""

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import {estimator}
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder


def calendar(X):
    dates = [X[name].dt for name in X]
    return np.column_stack([part for d in dates for part in (d.year, d.month, d.day_of_week)])


def build():
    columns = make_column_transformer(
        {steps}
    )
    return make_pipeline(columns, {estimator}({arguments}))
'''
PROFIT = '''
"""What letters to those who are expected to leave bring."""

import numpy as np


def profit(truth, predictions, sample_weight):
    gains = np.where(truth == "yes", 5.0, -1.0) * (predictions == "yes")
    return np.average(gains, weights=sample_weight)
'''
NUMBERS = '(SimpleImputer(), make_column_selector(dtype_include=["number", "bool"])),'
Files = dict[str, bytes]


def random(seed: int) -> np.random.Generator:
    """Return the generator of a table's rows."""
    return np.random.default_rng(seed)


def forest(estimator: str, *steps: str, arguments: str = "n_estimators=30, random_state=0") -> str:
    """Return an estimator.py of these steps before an ensemble."""
    return COLUMNS.format(estimator=estimator, steps="\n        ".join(steps), arguments=arguments)


def folder(title: str, toml: str, estimator: str, name: str, content: bytes) -> Files:
    """Return a model folder around the bytes of one data file."""
    sha256 = hashlib.sha256(content).hexdigest()
    head, _, rest = toml.partition("[data]")
    return {
        name: content,
        "model.toml": f'description = "{title}"\n{head.lstrip()}[data]\nsource = "{name}"\n'
        f'sha256 = "{sha256}"{rest}'.encode(),
        "estimator.py": estimator.lstrip().encode(),
        "README.md": README.format(title=title).encode(),
    }


def rents() -> Files:
    """German: semicolons, decimal commas, a byte order mark, lines of Windows, quoted newlines."""
    rng, rows = random(1), 900
    size, rooms = rng.uniform(20, 140, rows), rng.integers(1, 6, rows)
    balcony, district = rng.random(rows) < 0.4, rng.choice(["Mitte", "Nord", "Süd", "West"], rows)
    extra = np.select([district == "Mitte", district == "Süd"], [260.0, 120.0], 0.0)
    rent = 180 + 9.5 * size + 70 * balcony + extra + rng.normal(0, 25, rows)
    lines = ["Größe;Zimmer;Balkon;Bezirk;Text;Miete"]
    for n in range(rows):
        text = f'"Schön;\nhell, {rooms[n]} Zi. ""neu"""' if n % 3 == 0 else "ruhig gelegen"
        numbers = [f"{number:.2f}".replace(".", ",") for number in (size[n], rent[n])]
        flat = [numbers[0], str(rooms[n]), "ja" if balcony[n] else "nein", district[n], text]
        lines.append(";".join([*flat, numbers[1]]))
    toml = """
task = "regression"
target = "Miete"
[data]
[inputs]
"Größe" = "numeric"
Zimmer = "numeric"
Balkon = { kind = "boolean", true = "ja", false = "nein" }
Bezirk = "categorical"
Text = "text"
[gate]
mae = { max = 60 }
r2 = { min = 0.9, drop = 0.05 }
"""
    steps = [NUMBERS, '(OneHotEncoder(handle_unknown="ignore"), ["Bezirk"]),',
             '(TfidfVectorizer(max_features=50), "Text"),']  # fmt: skip
    content = "\ufeff" + "\r\n".join([*lines, ""])
    return folder("What a flat in the city costs", toml, forest("RandomForestRegressor", *steps),
                  "mieten.csv", content.encode())  # fmt: skip


def tickets() -> Files:
    """Free text in several alphabets, and times with a zone, some of them missing."""
    rng, rows = random(2), 1200
    words = {
        "billing": "invoice refund charged twice payment card Rechnung",
        "outage": "down unreachable timeout error 503 не работает",
        "account": "password login reset locked e-mail 密码",
    }
    kinds = rng.choice([*words], rows, p=[0.5, 0.3, 0.2])
    vocabulary = {kind: text.split() for kind, text in words.items()}
    noise = ["please", "the", "my", "since", "again", "help", "thanks", "still", "not"]
    texts = [" ".join([*rng.choice(vocabulary[kind], 2), *rng.choice(noise, 5)]) for kind in kinds]
    hours = np.where(kinds == "outage", rng.integers(0, 6, rows), rng.integers(8, 18, rows))
    times = [f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}T{hour:02}:15:00+02:00" if n % 11 else ""
             for n, hour in enumerate(hours)]  # fmt: skip
    frame = pd.DataFrame({"opened": times, "text": texts, "kind": kinds})
    toml = """
task = "classification"
target = "kind"
[data]
[inputs]
opened = "date"
text = "text"
[gate]
f1_macro = { min = 0.9, drop = 0.05 }
log_loss = { max = 0.6 }
"""
    steps = ['(make_pipeline(FunctionTransformer(calendar), SimpleImputer()), ["opened"]),',
             '(TfidfVectorizer(), "text"),']  # fmt: skip
    return folder("Which team a ticket is for", toml, forest("RandomForestClassifier", *steps),
                  "tickets.csv", frame.to_csv(index=False).encode())  # fmt: skip


def churn() -> Files:
    """Few positives, rows of the same customers, weights, an own metric, a threshold: Parquet."""
    rng, rows = random(3), 2400
    customer = rng.integers(0, 600, rows)
    habit = rng.normal(0, 1, 600)[customer]
    calls, months = rng.poisson(2, rows), rng.integers(1, 60, rows)
    leaves = 1.4 * calls - 0.06 * months + 1.5 * habit + rng.normal(0, 0.8, rows) > 4.2
    frame = pd.DataFrame({
        "customer": [f"c{n}" for n in customer], "calls": calls, "months": months, "habit": habit,
        "autopay": rng.random(rows) < 0.5, "worth": rng.uniform(0.5, 3, rows).round(2),
        "left": np.where(leaves, "yes", "no"),
    })  # fmt: skip
    toml = """
task = "classification"
target = "left"
sample_weight = "worth"
[data]
[inputs]
calls = "numeric"
months = "numeric"
habit = "numeric"
autopay = "boolean"
[split]
method = "group"
column = "customer"
[serve]
threshold = "auto"
[gate]
f1 = { class = "yes", min = 0.6, drop = 0.1 }
recall = { class = "yes", min = 0.5 }
average_precision = { min = 0.6 }
profit = { min = 0.2, drop = 0.2 }
"""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    model = folder("Who will leave", toml, forest("RandomForestClassifier", NUMBERS),
                   "churn.parquet", buffer.getvalue())  # fmt: skip
    return {**model, "metrics.py": PROFIT.lstrip().encode()}


def sales() -> Files:
    """Later rows are held out, and values are missing everywhere: a gzipped CSV."""
    rng, rows = random(4), 1500
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 900, rows)), "D")
    weekend, price = day.day_of_week >= 5, rng.uniform(1, 9, rows)
    sold = 60 + 40 * weekend - 4 * price + rng.normal(0, 4, rows)
    promo = rng.choice(["yes", "no", ""], rows)
    frame = pd.DataFrame({"day": day.strftime("%Y-%m-%d"), "price": price.round(2), "promo": promo,
                          "sold": sold.round(1)})  # fmt: skip
    frame.loc[rng.random(rows) < 0.1, "price"] = np.nan
    toml = """
task = "regression"
target = "sold"
[data]
[inputs]
day = "date"
price = "numeric"
promo = { kind = "boolean", true = "yes", false = "no" }
[split]
method = "time"
column = "day"
cut = "2026-01-01"
[gate]
mape = { max = 0.2, drop = 0.05 }
mae = { max = 12 }
"""
    steps = ['(make_pipeline(FunctionTransformer(calendar), SimpleImputer()), ["day"]),', NUMBERS]
    content = gzip.compress(frame.to_csv(index=False).encode(), mtime=0)
    return folder("What is sold on a day", toml, forest("RandomForestRegressor", *steps),
                  "sales.csv.gz", content)  # fmt: skip


def parcels() -> Files:
    """Postcodes by the hundred, of which a request may bring a new one."""
    rng, rows = random(5), 4000
    codes = rng.integers(10_000, 99_999, 700)
    code, weight = rng.integers(0, 700, rows), rng.uniform(0.1, 30, rows)
    hours = 24 + (codes[code] % 7) * 9 + weight * 0.4 + rng.normal(0, 3, rows)
    frame = pd.DataFrame({"postcode": codes[code], "kg": weight.round(2), "hours": hours.round(1)})
    toml = """
task = "regression"
target = "hours"
[data]
[inputs]
postcode = { kind = "categorical", unknown_category = "ignore" }
kg = { kind = "numeric", out_of_range = "reject" }
[gate]
mae = { max = 15 }
[gate.segments.kg]
mae = { max = 25 }
"""
    estimator = '''
"""Each postcode stands for the hours that its parcels took."""

from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import TargetEncoder


def build():
    columns = make_column_transformer(
        (TargetEncoder(target_type="continuous", random_state=0), ["postcode"]),
        remainder="passthrough",
    )
    return make_pipeline(columns, Ridge())
'''
    return folder("How long a parcel takes", toml, estimator, "parcels.csv",
                  frame.to_csv(index=False).encode())  # fmt: skip


def sensors() -> Files:
    """Two hundred numbers under names that nobody would choose."""
    rng, rows, width = random(6), 600, 200
    odd = [
        'a "quoted" one',
        "tab\there",
        "two\nlines",
        "1",
        "0",
        "length",
        "a,b",
        "x[0]",
        "naïve",
        "µm²",
    ]
    names = [*odd, *(f"s{n}" for n in range(len(odd), width))]
    values = rng.normal(0, 1, (rows, width)).round(4)
    frame = pd.DataFrame(values, columns=names)
    frame["fault"] = np.where(values[:, 0] + values[:, 3] - values[:, 9] > 0.3, "yes", "no")
    listed = "\n".join(f'{quoted(name)} = "numeric"' for name in names)
    toml = f"""
task = "classification"
target = "fault"
[data]
[inputs]
{listed}
[gate]
accuracy = {{ min = 0.75, drop = 0.05 }}
roc_auc = {{ min = 0.85 }}
"""
    estimator = '''
"""A line between two kinds of readings."""

from sklearn.linear_model import LogisticRegression


def build():
    return LogisticRegression(max_iter=2000)
'''
    return folder("Whether a machine will fail", toml, estimator, "sensors.csv",
                  frame.to_csv(index=False).encode())  # fmt: skip


def quoted(name: str) -> str:
    """Return a name as TOML's basic string."""
    signs = {'"': '\\"', "\\": "\\\\", "\t": "\\t", "\n": "\\n"}
    return f'"{"".join(signs.get(sign, sign) for sign in name)}"'


def survey() -> Files:
    """Few rows, of which a column says which are held out; answers by numbers and by `-`."""
    rng, rows = random(7), 240
    answers = rng.integers(1, 6, (rows, 4))
    happy = np.where(answers.sum(axis=1) + rng.normal(0, 1, rows) > 12, 1, 0)
    frame = pd.DataFrame(answers, columns=["pay", "team", "boss", "room"]).astype(str)
    frame[rng.random((rows, 4)) < 0.08] = "-"
    frame["part"], frame["happy"] = np.where(np.arange(rows) % 4 == 0, "test", "train"), happy
    toml = """
task = "classification"
target = "happy"
[data]
missing = ["-"]
[inputs]
pay = "numeric"
team = "numeric"
boss = "numeric"
room = "numeric"
[split]
method = "given"
column = "part"
[gate]
accuracy = { min = 0.7 }
mcc = { min = 0.4, drop = 0.2 }
brier = { max = 0.25 }
"""
    estimator = '''
"""Trees that take missing answers as they are."""

from sklearn.ensemble import HistGradientBoostingClassifier


def build():
    return HistGradientBoostingClassifier(max_iter=40, random_state=0)
'''
    return folder("Who is happy at work", toml, estimator, "survey.csv",
                  frame.to_csv(index=False).encode())  # fmt: skip


def pumps() -> Files:
    """Few rows that are unlike the others, and a column that says which; nothing learns from it."""
    rng, rows = random(8), 2000
    broken = rng.random(rows) < 0.04
    heat, shake = rng.normal(60, 5, rows) + 35 * broken, rng.gamma(2, 1, rows) + 9 * broken
    frame = pd.DataFrame({"heat": heat.round(2), "shake": shake.round(3),
                          "site": rng.choice(["north", "south"], rows),
                          "broke": np.where(broken, 1, 0)})  # fmt: skip
    toml = """
task = "anomaly_detection"
target = "broke"
[data]
[inputs]
heat = "numeric"
shake = "numeric"
[evaluate]
columns = ["site"]
[gate]
average_precision = { min = 0.8, drop = 0.1 }
recall = { class = 1, min = 0.7 }
[gate.segments.site]
accuracy = { min = 0.9 }
"""
    estimator = '''
"""Rows that a few cuts set apart."""

from sklearn.ensemble import IsolationForest


def build():
    return IsolationForest(contamination=0.05, random_state=0)
'''
    return folder("Which pump is about to break", toml, estimator, "pumps.csv",
                  frame.to_csv(index=False).encode())  # fmt: skip


def energy() -> Files:
    """Two numbers to predict at once, of a building: Arrow."""
    rng, rows = random(9), 1200
    area, glass = rng.uniform(50, 400, rows), rng.uniform(0, 0.6, rows)
    side = rng.choice(["n", "e", "s", "w"], rows)
    heating = 20 + 0.15 * area + 30 * glass + rng.normal(0, 2, rows)
    cooling = 5 + 0.05 * area + 60 * glass * (side == "s") + rng.normal(0, 2, rows)
    table = pa.table({"area": area, "glass": glass, "side": side, "heating": heating,
                      "cooling": cooling})  # fmt: skip
    toml = """
task = "regression"
target = ["heating", "cooling"]
[data]
[inputs]
area = "numeric"
glass = "numeric"
side = "categorical"
[gate]
r2 = { min = 0.8, drop = 0.05 }
[gate.mae]
target = "cooling"
max = 5
"""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    steps = [NUMBERS, '(OneHotEncoder(handle_unknown="ignore"), ["side"]),']
    return folder("What a building needs", toml, forest("RandomForestRegressor", *steps),
                  "energy.arrow", sink.getvalue())  # fmt: skip


def films() -> Files:
    """Several labels of each row, each true or false: zstd."""
    rng, rows = random(10), 1000
    words = {"funny": "joke laugh silly", "sad": "tears loss grave", "tense": "chase knife night"}
    has = {
        label: rng.random(rows) < share for label, share in zip(words, (0.5, 0.3, 0.4), strict=True)
    }
    plots = [" ".join(["a", "story", *(word for label, text in words.items() if has[label][n]
                                       for word in rng.choice(text.split(), 2))])
             for n in range(rows)]  # fmt: skip
    frame = pd.DataFrame({"plot": plots, "minutes": rng.integers(70, 180, rows), **has})
    toml = """
task = "classification"
target = ["funny", "sad", "tense"]
[data]
[inputs]
plot = "text"
minutes = "numeric"
[gate]
f1_macro = { min = 0.9, drop = 0.05 }
recall = { target = "sad", min = 0.8 }
"""
    steps = ['(TfidfVectorizer(lowercase=False), "plot"),', NUMBERS]
    content = pa.Codec("zstd").compress(frame.to_csv(index=False).encode(), asbytes=True)
    return folder("What a film is like", toml, forest("RandomForestClassifier", *steps),
                  "films.csv.zst", content)  # fmt: skip


def shoppers() -> Files:
    """Groups that nobody has named: a clustering, which is no task here."""
    rng, rows = random(11), 300
    frame = pd.DataFrame(rng.normal(0, 1, (rows, 2)), columns=["spent", "visits"])
    frame["group"] = 0
    toml = """
task = "clustering"
target = "group"
[data]
[inputs]
spent = "numeric"
visits = "numeric"
[gate]
accuracy = { min = 0 }
"""
    estimator = "from sklearn.cluster import KMeans\n\n\ndef build():\n    return KMeans(4)\n"
    return folder("Kinds of customers", toml, estimator, "shoppers.csv",
                  frame.to_csv(index=False).encode())  # fmt: skip


def ledger() -> Files:
    """A workbook under the name of a CSV, as it was sent."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:
        for part in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            book.writestr(zipfile.ZipInfo(part), "<xml/>")
    toml = """
task = "regression"
target = "amount"
[data]
[inputs]
month = "numeric"
[gate]
mae = { max = 10 }
"""
    estimator = forest("RandomForestRegressor", NUMBERS)
    return folder("What is paid in a month", toml, estimator, "ledger.csv", buffer.getvalue())


TABLES: dict[str, Callable[[], Files]] = {
    "rents": rents,
    "tickets": tickets,
    "churn": churn,
    "sales": sales,
    "parcels": parcels,
    "sensors": sensors,
    "survey": survey,
    "pumps": pumps,
    "energy": energy,
    "films": films,
    "shoppers": shoppers,
    "ledger": ledger,
}
REFUSED = {
    "shoppers": "a clustering or the forecast of a sequence, is no task here",
    "ledger": "Got a zip archive, as .xlsx and .npz are",
}


def write(root: Path, *names: str, suffix: str = "") -> None:
    """Write the folders of these tables' models, under their names and a suffix, into `root`."""
    for name in names:
        target = root / f"{name}{suffix}"
        target.mkdir(parents=True)
        for file, content in TABLES[name]().items():
            (target / file).write_bytes(content)
