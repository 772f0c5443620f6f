"""JSON as it goes to a terminal: exact, and harmless there."""

import json
import unicodedata
from collections.abc import Mapping

from capsul.errors import CapsulError, Unavailable
from sshgate.bugs import OurBug

SCHEMA = 1
"""The version of all documents together. It changes when something that scripts rely on changes."""


def json_text(document: Mapping[str, object]) -> str:
    """One line. Control, format and private characters are escaped: they come from strangers."""
    text = json.dumps({"schema": SCHEMA, **document}, ensure_ascii=False)
    return "".join(c if unicodedata.category(c)[0] != "C" else json.dumps(c)[1:-1] for c in text)


def error_text(error: CapsulError) -> str:
    """One line. Scripts tell errors apart by `code`."""
    about: dict[str, object] = {"code": error.code, "message": error.message}
    if isinstance(error, Unavailable):
        about["retry_after"] = error.retry_after
    if isinstance(error, OurBug):
        about["reference"] = error.reference
    return json_text({"error": about})
