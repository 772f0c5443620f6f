"""Turns what Postgres says into our errors, once: by the name of the constraint, never by the text."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from capsul.errors import (
    BadName,
    Busy,
    CapsulError,
    Conflict,
    NameTaken,
    NoCapacity,
    NotEnoughCredit,
    RuleBroken,
    Unavailable,
)

_BY_CONSTRAINT: dict[str, CapsulError | type[CapsulError]] = {
    "a_name_is_a_dns_label": BadName,
    "a_name_is_unique_per_account_among_the_living": NameTaken,
    "a_capsul_has_one_operation_at_a_time": Busy,
    "a_host_has_room": NoCapacity,
    "a_host_answers": Unavailable("No host answers at the moment. Please try again in a minute."),
    "a_host_never_promises_more_memory_than_it_has": RuleBroken("More memory than that is promised on the host."),
    "a_host_never_promises_more_disk_than_it_has": RuleBroken("More disk than that is promised on the host."),
    "a_size_id_is_plain": RuleBroken("An id is 1 to 40 letters a-z, digits and hyphens."),
    "an_image_id_is_plain": RuleBroken("An id is 1 to 40 letters a-z, digits, dots and hyphens."),
    "a_host_id_is_plain": RuleBroken("An id is 1 to 40 letters a-z, digits, dots and hyphens."),
    "there_is_enough_credit": NotEnoughCredit,
    "an_idempotency_key_is_used_once": Conflict,
    "a_topup_key_is_used_once": Conflict,
    "a_transfer_key_stands_for_one_request": Conflict,
    "a_fingerprint_is_unique_among_live_keys": RuleBroken("This key already belongs to an account."),
    "an_account_adds_a_key_once": RuleBroken("This key is already on your list (see: keys)."),
    "an_enrolment_is_completed_once": RuleBroken("This enrolment is over. Start again with: enrol EMAIL"),
    "an_account_is_open_for_keys": RuleBroken("This account is locked. Please write to the operators."),
    "a_key_name_is_1_to_60_characters": RuleBroken("A key's name is 1 to 60 characters."),
    "the_last_operator_key_stays": RuleBroken("This is the last operator's key: make another one first."),
    "an_announcement_says_something": RuleBroken("An announcement is 1 to 1000 characters."),
}


class DatabaseAway(Unavailable):
    """The database is away for a moment. Nothing was lost; please try again in a minute."""

    code = "database_away"


class RaceLost(Unavailable):
    """Somebody else changed the same thing at the same moment. Please try again."""

    code = "try_again"


@contextmanager
def translated() -> Iterator[None]:
    """Lets no error of asyncpg out that a caller could do something about.

    Raises:
        CapsulError: the one that belongs to the broken constraint.
        DatabaseAway: Postgres went away, or took too long.
        RaceLost: a deadlock or a serialisation failure; nothing was written.
    """
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        known = _BY_CONSTRAINT.get(error.constraint_name or "")
        if known is None:
            raise
        raise (known if isinstance(known, type) else type(known))(
            None if isinstance(known, type) else known.message
        ) from error
    except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
        raise RaceLost from error
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.CannotConnectNowError,
        asyncpg.TooManyConnectionsError,
        asyncpg.InterfaceError,
        TimeoutError,
        ConnectionError,
    ) as error:
        raise DatabaseAway from error


@contextmanager
def connecting() -> Iterator[None]:
    """Around nothing but the making of a connection, where any error of the operating system means the same.

    Raises:
        DatabaseAway: Postgres cannot be reached.
    """
    try:
        with translated():
            yield
    except (OSError, asyncpg.ObjectNotInPrerequisiteStateError) as error:
        # The latter is a database that lets nobody in, as while it is being restored.
        raise DatabaseAway from error
