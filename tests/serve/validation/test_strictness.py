"""No body, however odd, is misread: hypothesis on the parsers, schemathesis on the routes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from contract import bundle as bundles
from contract.bundle import Bundle, Input
from contract.inputs import FLOAT32_MAX, Domain
from serve.codecs.answers import AnswerEncoder
from serve.codecs.codec import Codec
from serve.codecs.native import NativeCodec
from serve.codecs.open_inference import InferenceCodec
from serve.codecs.tensorflow import TensorflowCodec
from serve.errors import Refusal
from serve.http import encode
from serve.validation.schema import Schema
from tests.support.servers.server import Server

pytestmark = pytest.mark.slow  # starts servers

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["Dream", "Biscoe", "male", "", "4", "NaN", 4000, 40.5, 1e39, -1e400]),
)
NAMES = st.sampled_from(["island", "bill", "sex", "mass", "features", "instances", "x", ""])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
GOOD_ROW = st.fixed_dictionaries(
    {"island": st.sampled_from(["Dream", "Biscoe"]), "mass": st.floats(-1e30, 1e30)},
    optional={"bill": st.none() | st.integers(-99, 99), "sex": st.none() | st.just("male")},
)
ALMOST_ROW = st.builds(
    lambda row, change: row | change, GOOD_ROW, st.dictionaries(NAMES, SCALARS, max_size=1)
)
REQUESTS = (
    JSON
    | st.fixed_dictionaries({"features": ALMOST_ROW | JSON})
    | st.fixed_dictionaries({"instances": st.lists(ALMOST_ROW | JSON, max_size=4) | JSON})
)


@pytest.fixture(scope="session")
def birds(make_bundle: Callable[[str], Path]) -> Bundle:
    """The bundle of birds, whose inputs are of both kinds."""
    return bundles.read(make_bundle("birds"))


@pytest.fixture(scope="session")
def schema(birds: Bundle) -> Schema:
    """The inputs of birds, for requests of at most 100 rows."""
    return Schema(birds.manifest, max_rows=100)


@pytest.fixture(scope="session")
def native(birds: Bundle, schema: Schema) -> NativeCodec:
    """The codec of /predict."""
    return NativeCodec(schema, AnswerEncoder(birds))


@pytest.fixture(scope="session")
def codecs(birds: Bundle, schema: Schema, native: NativeCodec) -> list[Codec]:
    """The codec of each protocol."""
    return [native, TensorflowCodec(schema, AnswerEncoder(birds)), InferenceCodec(birds, schema)]


def outcome(codec: Codec, body: bytes) -> tuple[Any, Refusal | None]:
    """Return the rows of a body, or why there are none."""
    try:
        return codec.read(body)[0], None
    except Refusal as refusal:
        return None, refusal


def assert_sound(rows: Any, bundle: Bundle) -> None:
    """Hold each value of accepted rows against the manifest, without the schema."""
    assert 1 <= len(rows) <= 100
    for row in rows:
        assert len(bundle.manifest.inputs) == len(row)
        for value, field in zip(row, bundle.manifest.inputs, strict=True):
            assert value_is_sound(value, field), (field.name, value)


def value_is_sound(value: Any, field: Input) -> bool:
    """Return whether a value is one that the input may have."""
    if value is None:
        return field.missing
    if field.kind == "numeric":
        return type(value) is float and math.isfinite(value) and abs(value) <= FLOAT32_MAX
    return value in (field.categories or [])


@pytest.mark.nightly
@QUICK
@given(body=st.binary(max_size=200) | st.builds(lambda text: text.encode(), st.text()))
def test_any_bytes_are_refused_or_sound(codecs: list[Codec], birds: Bundle, body: bytes) -> None:
    """Whatever bytes come, a codec returns rows the model takes or raises a Refusal."""
    for codec in codecs:
        rows, refusal = outcome(codec, body)
        if refusal is None:
            assert_sound(rows, birds)
        else:
            assert 400 <= refusal.status < 500
            assert json.loads(encode(refusal.problem))["error"]


@QUICK
@given(request=REQUESTS)
def test_any_json_is_refused_or_sound(native: NativeCodec, birds: Bundle, request: Any) -> None:
    """Whatever JSON comes, nan and infinity included, /predict takes only what it should."""
    rows, refusal = outcome(native, json.dumps(request).encode())
    if refusal is None:
        assert_sound(rows, birds)
    else:
        assert 400 <= refusal.status < 500
        assert "does not fit the model's schema" not in str(refusal), "no words for it"


@QUICK
@given(rows=st.lists(GOOD_ROW, min_size=1, max_size=5))
def test_good_rows_are_read_as_they_are(
    native: NativeCodec, birds: Bundle, rows: list[dict[str, Any]]
) -> None:
    """Rows that fit come out of the parser with their values, in the manifest's order."""
    names = [field.name for field in birds.manifest.inputs]
    expected = [tuple(row.get(name) for name in names) for row in rows]
    assert (expected, True) == native.read(json.dumps({"instances": rows}).encode())
    listed = {"instances": [list(row) for row in expected]}
    assert (expected, True) == native.read(json.dumps(listed).encode())


@QUICK
@given(row=GOOD_ROW, name=NAMES, value=SCALARS, end=st.booleans())
def test_duplicate_keys_are_always_found(
    native: NativeCodec, row: dict[str, Any], name: str, value: Any, *, end: bool
) -> None:
    """A key that occurs twice is refused wherever it stands and whatever else is absent."""
    pairs = [(name, row.get(name, value)), *((k, v) for k, v in row.items() if k != name)]
    pairs.insert(len(pairs) if end else 1, (name, value))
    text = ",".join(f"{json.dumps(key)}:{json.dumps(content)}" for key, content in pairs)
    for body in (f'{{"features":{{{text}}}}}', f'{{"instances":[{{{text}}}]}}'):
        with pytest.raises(Refusal):
            native.read(body.encode())


@QUICK
@given(value=SCALARS)
def test_words_and_types_agree(schema: Schema, birds: Bundle, value: Any) -> None:
    """The explanation finds fault with a value exactly when the decoder refuses it."""
    for position, field in enumerate(birds.manifest.inputs):
        row = ["Dream", 40.5, "male", 4000.0]
        row[position] = value
        try:
            schema.convert([row])
            accepted = True
        except ValueError:
            accepted = False
        finite = not isinstance(value, float) or math.isfinite(value)
        assert accepted == (Domain.of(field, birds.manifest.serving).accepts(value) and finite), (
            field.name,
            value,
        )


@pytest.mark.nightly
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_routes_keep_their_schema(birds_server: Server, mode: GenerationMode) -> None:
    """Requests made from the OpenAPI document, good and bad, never get a 5xx or a surprise."""
    api = schemathesis.openapi.from_url(birds_server.url("/openapi.json"))
    operations: Any = [result.ok() for result in api.get_all_operations()]  # type: ignore[union-attr]
    checked = [validate(operation, mode) for operation in operations]
    assert "POST /predict" in checked


def validate(operation: Any, mode: GenerationMode) -> str:
    """Send generated requests to one route; return its name.

    No schema can say that a tensor has as many values as its shape, so that tensors may be refused
    which the schema allows.
    """
    excluded = (
        [CHECKS.get_one("positive_data_acceptance")] if operation.path.endswith("/infer") else []
    )

    @settings(QUICK, max_examples=30 if operation.body else 2)
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        case.call_and_validate(timeout=20, excluded_checks=excluded)

    if mode is GenerationMode.POSITIVE or operation.body:
        send()
    return f"{operation.method.upper()} {operation.path}"
