"""The Open Inference Protocol, version 2: tensors in JSON.

A table travels as one input per column, [rows] or [rows, 1], or, if all its columns are numbers,
as one input that holds them all, [rows, columns]. Data may be flat or nested.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain
from types import NoneType
from typing import Any

import msgspec

from contract.bundle import ANOMALY_SCORE, Bundle
from contract.inputs import KINDS
from serve.errors import MOST, InvalidRow, MalformedBody
from serve.http import Headers, require_json_type
from serve.inference.scores import Scores
from serve.validation.explain import ERRORS, conversion_problem, problem
from serve.validation.schema import Row, Schema
from serve.validation.strict_json import listed, parse, quote, shortened, shown

INTEGERS = {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
FLOATS = {"FP16", "FP32", "FP64"}


class Tensor(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """An input: `data` has as many values as `shape` says."""

    name: str
    shape: list[int]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] | None = None


class RequestedOutput(msgspec.Struct, forbid_unknown_fields=True):
    """An output that the answer shall have."""

    name: str
    parameters: dict[str, Any] | None = None


class InferRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request to infer."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[RequestedOutput] | None = None


class InferResponse(msgspec.Struct, omit_defaults=True):
    """The answer: the requested outputs, or all."""

    model_name: str
    model_version: str
    outputs: list[Tensor]
    id: str | None = None


class InferenceCodec:
    """Reads tensors and answers with tensors, as the Open Inference Protocol's REST API says."""

    def __init__(self, bundle: Bundle, schema: Schema) -> None:
        self.manifest = bundle.manifest
        self.schema = schema
        self.names = dict.fromkeys(field.name for field in bundle.manifest.inputs)
        _, *self.numbers = output_metadata(bundle)
        self.outputs = {tensor.name for tensor in output_metadata(bundle)}
        self.label_type = label_type(bundle)
        self.width = width(bundle)
        self.decode = msgspec.json.Decoder(InferRequest).decode
        self.encode = msgspec.json.Encoder().encode

    def check_headers(self, headers: Headers) -> None:
        """Check that tensors come as JSON.

        Raises MalformedBody for binary tensors, which tritonclient sends by default, and
        WrongContentType for other types. tritonclient sends JSON without a Content-Type.
        """
        if b"inference-header-content-length" in headers:
            raise MalformedBody(
                "Tensors must be JSON. Got binary tensors instead. In tritonclient, call "
                "set_data_from_numpy(…, binary_data=False)."
            )
        if b"content-type" in headers:
            require_json_type(headers)

    def read(self, body: bytes) -> tuple[Sequence[Row], InferRequest]:
        """Return the rows and the request; raise InvalidRow or MalformedBody for a wrong body."""
        try:
            request = self.decode(body)
        except ERRORS as error:
            parse(body)
            raise InvalidRow(
                f"The body must be an inference request. Got instead: {error}."
            ) from None
        if body.count(b":") != keys(request):
            parse(body)  # finds a key that occurs twice
        self.check_outputs(request)
        tensors = request.inputs
        if len(tensors) == 1 and tensors[0].name not in self.names:
            return self.rows_of_one(tensors[0]), request
        return self.rows(tensors), request

    def check_outputs(self, request: InferRequest) -> None:
        """Check the names of the requested outputs.

        Raises InvalidRow for one that does not exist.
        """
        for output in request.outputs or ():
            if output.name not in self.outputs:
                expected = f"one of {', '.join(sorted(self.outputs))}"
                field = shortened(output.name)
                raise problem("An output", expected, quote(output.name), field=field)

    def rows(self, tensors: list[Tensor]) -> list[Row]:
        """Return the rows of one tensor per column.

        Raises InvalidRow for a wrong value, and unless each column comes once, and all with the
        same number of rows.
        """
        columns = self.columns(tensors)
        if len(columns) < len(tensors) or len({len(column) for column in columns.values()}) > 1:
            raise InvalidRow("Each input must be a different column, and all of one length.")
        count = len(next(iter(columns.values()), []))
        for field in self.manifest.inputs:
            columns.setdefault(field.name, [None] * count)
        ordered = [columns[name] for name in self.names]
        try:
            return self.schema.rows_of(ordered)
        except ERRORS as error:
            rows = [list(row) for row in zip(*ordered, strict=True)]
            raise conversion_problem(rows, self.schema, error) from None

    def rows_of_one(self, tensor: Tensor) -> list[Row]:
        """Return the rows of a tensor of shape (rows, inputs).

        Raises InvalidRow for another shape, and for a wrong value.
        """
        tensor.name = shortened(tensor.name)
        width = len(self.names)
        expected = f"[rows, {width}] ({listed(map(shown, self.names))})"
        if tensor.shape[-1:] != [width] or len(tensor.shape) > 2:
            raise wrong_shape(tensor, expected)
        values = checked(tensor)
        rows = [values[start : start + width] for start in range(0, len(values), width)]
        try:
            return self.schema.convert(rows)
        except ERRORS as error:
            raise conversion_problem(rows, self.schema, error) from None

    def columns(self, tensors: list[Tensor]) -> dict[str, list[Any]]:
        """Return the values of each tensor, by its name.

        Raises InvalidRow for every tensor that is wrong, and every input that must be there.
        """
        columns: dict[str, list[Any]] = {}
        problems: list[InvalidRow] = []
        for tensor in tensors:
            columns[tensor.name] = []
            try:
                columns[tensor.name] = self.column(tensor)
            except InvalidRow as invalid:
                problems.append(invalid)
                if len(problems) > MOST:
                    break
        problems += [
            InvalidRow(f"The input {shown(field.name)} must be there.", field=field.name)
            for field in self.manifest.inputs
            if field.name not in columns and not field.missing
        ]
        if refusal := InvalidRow.joined(problems):
            raise refusal
        return columns

    def column(self, tensor: Tensor) -> list[Any]:
        """Return the values of a tensor of shape (rows,) or (rows, 1).

        Raises InvalidRow for another shape, and for a name that is no input.
        """
        if tensor.name not in self.names:
            expected = f"one of {listed(map(shown, self.names))}"
            field = shortened(tensor.name)
            raise problem("An input", expected, quote(tensor.name), field=field)
        if tensor.shape[1:] not in ([], [1]):
            raise wrong_shape(tensor, "[rows] or [rows, 1]")
        return checked(tensor)

    def write(self, scores: Scores, request: InferRequest) -> bytes:
        """Return the requested outputs as tensors.

        The prediction and an anomaly score have the shape (rows,), probabilities (rows, classes).
        The predictions of several targets have (rows, targets).
        """
        count = len(scores.labels)
        predicted = chain.from_iterable(scores.by_target) if self.width else scores.labels
        tensors = [Tensor("prediction", [count, *self.width], self.label_type, list(predicted))]
        if scores.probabilities is not None:
            values = list(chain.from_iterable(scores.probabilities))
            tensors += [
                Tensor(output.name, [count, *output.shape[1:]], output.datatype, values)
                for output in self.numbers
            ]
        wanted = {output.name for output in request.outputs or ()} or self.outputs
        return self.encode(
            InferResponse(
                self.manifest.name,
                self.manifest.version,
                [tensor for tensor in tensors if tensor.name in wanted],
                request.id,
            )
        )


def input_metadata(bundle: Bundle) -> list[Tensor]:
    """Return the inputs of the model, one tensor per column; -1 stands for any number of rows."""
    return [
        Tensor(field.name, [-1, 1], KINDS[field.kind].datatype) for field in bundle.manifest.inputs
    ]


def output_metadata(bundle: Bundle) -> list[Tensor]:
    """Return the outputs of the model; -1 stands for any number of rows."""
    outputs = [Tensor("prediction", [-1, *width(bundle)], label_type(bundle))]
    if bundle.manifest.anomaly is not None:
        outputs.append(Tensor(ANOMALY_SCORE, [-1], "FP64"))
    if bundle.has_probabilities:
        outputs.append(Tensor("probabilities", [-1, len(bundle.manifest.classes or [])], "FP64"))
    return outputs


def width(bundle: Bundle) -> list[int]:
    """Return the shape of a row's prediction: nothing, or how many targets there are.

    One tensor holds them all, as one holds the probabilities of all classes: they are of one
    datatype, a client asks every model for the same outputs, and no name of a target can be that of
    another output.
    """
    targets = len(bundle.manifest.targets)
    return [targets] if targets > 1 else []


def label_type(bundle: Bundle) -> str:
    """Return the protocol's datatype of predictions."""
    if bundle.manifest.classes is None:
        return "FP64"
    if width(bundle):
        return "BOOL"
    numbers = all(isinstance(label, int) for label in bundle.manifest.classes)
    return "INT64" if numbers else "BYTES"


def checked(tensor: Tensor) -> list[Any]:
    """Return the values of a tensor, flat.

    Raises InvalidRow if their number differs from the shape's, or a type from the datatype's.
    """
    values = flat(tensor.data or [])
    if any(size < 0 for size in tensor.shape) or len(values) != math.prod(tensor.shape):
        raise wrong_shape(tensor, f"the shape of its {len(values)} values")
    wanted = {*value_types(tensor), NoneType}
    if not wanted.issuperset(map(type, values)):
        row = next(row for row, value in enumerate(values) if type(value) not in wanted)
        where, got = f"Values of {shown(tensor.name)}", quote(values[row])
        raise problem(where, tensor.datatype, got, row=row, field=tensor.name)
    return values


def value_types(tensor: Tensor) -> tuple[type, ...]:
    """Return the Python types of a datatype's values; raise InvalidRow for an unknown datatype."""
    if tensor.datatype in FLOATS:
        return (float, int)
    if tensor.datatype in INTEGERS:
        return (int,)
    if tensor.datatype == "BYTES":
        return (str,)
    if tensor.datatype == "BOOL":
        return (bool,)
    where, got = f"The datatype of {shown(tensor.name)}", quote(tensor.datatype)
    raise problem(where, "a number's, BOOL or BYTES", got, field=tensor.name)


def flat(data: list[Any]) -> list[Any]:
    """Return the values of nested lists in row-major order, as the protocol says."""
    while (kinds := {*map(type, data)}) == {list}:
        data = list(chain.from_iterable(data))
    return list(each(data)) if list in kinds else data


def each(data: list[Any]) -> Iterator[Any]:
    """Yield the values of lists beside values, which take their time one by one."""
    for value in data:
        if isinstance(value, list):
            yield from each(value)
        else:
            yield value


def keys(request: InferRequest) -> int:
    """Return how many colons a body has that means the request, if none is in a text.

    A body with more of them may have a key twice, or one whose value is null.
    """
    parts = [request, *request.inputs, *(request.outputs or ())]
    values = [value for part in parts for value in msgspec.structs.astuple(part)]
    of_parameters = [len(value) for value in values if isinstance(value, dict)]
    return sum(value is not None for value in values) + sum(of_parameters)


def wrong_shape(tensor: Tensor, expected: str) -> InvalidRow:
    """Return the refusal of a tensor that has another shape."""
    where, got = f"The shape of {shown(tensor.name)}", shortened(str(tensor.shape))
    return problem(where, expected, got, field=tensor.name)
