"""What is said of our own mistakes: a reference to the person, the rest to the log."""

import secrets

import structlog

from capsul.errors import CapsulError

_log = structlog.get_logger()


class OurBug(CapsulError):
    """Something broke on our side."""

    code = "bug"
    exit_status = 1

    def __init__(self, reference: str) -> None:
        super().__init__(
            f"Something broke on our side. If you write to the operators, give them this reference: {reference}"
        )
        self.reference = reference


def our_bug(error: Exception, session_id: str) -> OurBug:
    """Logs the error with its traceback and gives it a reference."""
    reference = secrets.token_hex(4)
    _log.error("bug", reference=reference, session=session_id, exc_info=error)
    return OurBug(reference)
