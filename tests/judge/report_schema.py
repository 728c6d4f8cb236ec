"""The JSON schema of report.json; `python -m tests.judge.report_schema` writes it anew."""

from __future__ import annotations

from typing import Any

import msgspec

from judge.report import Report
from ship import git

SCHEMA = git.TOOL / "judge" / "report.schema.json"


def schema() -> bytes:
    """Return the schema of a report, which has its headline as well."""
    described: dict[str, Any] = msgspec.json.schema(Report)
    report = described["$defs"]["Report"]
    report["properties"] = {"headline": {"type": "string"}} | report["properties"]
    report["required"] = ["headline", *report["required"]]
    report["additionalProperties"] = False
    return msgspec.json.format(msgspec.json.encode(described), indent=2) + b"\n"


if __name__ == "__main__":
    SCHEMA.write_bytes(schema())
