"""The worker's side, without a host."""

from collections.abc import AsyncIterator
from email.message import EmailMessage

import pytest

from capsul.config import Settings
from db.database import Database
from services.work.letters import LetterWork
from services.work.topups import TopupWork, read_sandbox


@pytest.fixture
async def work_database(settings: Settings) -> AsyncIterator[Database]:
    """As the worker logs in."""
    async with Database.connect(settings.database, "capsul_work", most_connections=16) as database:
        yield database


@pytest.fixture
def topup_work(work_database: Database, settings: Settings) -> TopupWork:
    return TopupWork(work_database, {"sandbox": read_sandbox}, settings)


class Letterbox:
    """A post that keeps what it is given, or refuses everything with the error it is set to."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.trouble: Exception | None = None

    async def send(self, message: EmailMessage) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.letters.append(message)


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def letter_work(work_database: Database, letterbox: Letterbox, settings: Settings) -> LetterWork:
    return LetterWork(work_database, letterbox, settings)
