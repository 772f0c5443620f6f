"""Reads queries/*.sql: sections that begin with `-- name: NAME`, a comment, and one statement."""

import re
from pathlib import Path

_SECTION = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def read_queries(subject: str) -> dict[str, str]:
    """The statements of queries/SUBJECT.sql by name."""
    text = (Path(__file__).parent / "queries" / f"{subject}.sql").read_text()
    parts = _SECTION.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
