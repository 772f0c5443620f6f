"""What a member does with capsuls: look, price, create, start, stop, restart, kill, rename, destroy."""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from capsul.config import Settings
from capsul.errors import BadState, Busy, Conflict, NameTaken, NotEnoughCredit, NotFound, NotPermitted, RuleBroken
from capsul.models import (
    Accepted,
    Caller,
    Capsul,
    CapsulState,
    Image,
    Key,
    Operation,
    OperationKind,
    Quote,
    Segment,
    Size,
)
from capsul.money import decimal_text
from capsul.rules import check_name, credit_needed, hours_left, is_work
from db import billing, capsuls, keys, operations
from db.database import Connection, Database
from services.access import as_member
from services.audit import note

# What a person sees while a request is carried out, and what is wanted from then on.
UNDER_WAY: dict[OperationKind, tuple[CapsulState, str, str]] = {
    "start": ("starting", "", "running"),
    "stop": ("stopping", "", "stopped"),
    "restart": ("stopping", "restarting", "running"),
    "kill": ("stopping", "", "stopped"),
    "destroy": ("stopping", "being destroyed", "destroyed"),
}

_MOST_USER_DATA = 64 * 1024


@dataclass(frozen=True)
class CreateRequest:
    """What is to be made."""

    image: str
    size: str
    name: str | None = None
    keys: tuple[str, ...] = ()
    """Fingerprints or names of keys on the account's list; none means all that may do everything."""
    user_data: str = ""
    idempotency_key: str | None = None

    def digest(self) -> bytes:
        """SHA-256 of what was asked, without the idempotency key."""
        return _digest(**{**asdict(self), "idempotency_key": None})


class Capsuls:
    """A member's capsuls."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._lasts = timedelta(seconds=settings.operation_seconds)

    async def list(self, caller: Caller) -> list[Capsul]:
        """Those that have not ended, oldest first."""
        async with as_member(self._database, caller, "look") as connection:
            return await capsuls.of_account(connection, caller.account_id)

    async def show(self, caller: Caller, reference: str) -> Capsul:
        """By name or id. Raises NotFound."""
        async with as_member(self._database, caller, "look") as connection:
            return await find(connection, caller, reference)

    async def sizes(self, caller: Caller) -> Sequence[Size]:
        """On offer, cheapest first, with how many fit now."""
        async with as_member(self._database, caller, "look") as connection:
            return await capsuls.sizes(connection)

    async def price_list(self) -> Sequence[Size]:
        """For anybody: on offer, cheapest first; `fits` says nothing."""
        async with self._database.door() as connection:
            return await capsuls.price_list(connection)

    async def images(self, caller: Caller) -> Sequence[Image]:
        """Deprecated ones last."""
        async with as_member(self._database, caller, "look") as connection:
            return await capsuls.images(connection)

    async def quote(self, caller: Caller, request: CreateRequest) -> Quote:
        """What it would cost and how long the money would last. Makes nothing, reserves nothing.

        Raises:
            As create does, but for capacity: see `size.fits`.
        """
        async with as_member(self._database, caller, "run") as connection:
            size, image = await _offer(connection, request)
            await _authorized_keys(connection, caller, request)
            if request.name is not None and await capsuls.by_reference(
                connection, caller.account_id, check_name(request.name)
            ):
                raise NameTaken
            funds = await billing.funds(connection, caller.account_id)
            segments = await billing.open_segments(connection, caller.account_id)
            available = funds.balance - funds.accrued
            await _check_credit(connection, caller, size.price_month)
            return Quote(
                size=size,
                image=image,
                name=request.name,
                available=available,
                hours_left_before=hours_left(available, segments, funds.now),
                hours_left_after=hours_left(available, [*segments, Segment("", size.price_month, 0)], funds.now),
            )

    async def create(self, caller: Caller, request: CreateRequest) -> Accepted:
        """Reserves room, writes the operation and its job: all or nothing, in one transaction.

        Raises:
            NotFound: no such image, size or key.
            BadName, NameTaken: by the rules for names.
            NotEnoughCredit: less than a day of the new total burn is available.
            NoCapacity: no host has room.
            Unavailable: no host answers.
            Conflict: the idempotency key was used for another request.
        """
        async with as_member(self._database, caller, "run") as connection:
            # One request that spends at a time for each account: credit is checked against all earlier ones.
            await billing.take_turns(connection, caller.account_id)
            if answered := await _answered(connection, caller, request.idempotency_key, request.digest()):
                return answered
            size, _ = await _offer(connection, request)
            authorized = await _authorized_keys(connection, caller, request)
            if len(request.user_data.encode()) > _MOST_USER_DATA:
                raise RuleBroken("User data may be 64 KiB at most.")
            name = check_name(request.name) if request.name is not None else f"capsul-{secrets.token_hex(3)}"
            capsul_id = await capsuls.insert(
                connection,
                caller.account_id,
                name,
                request.image,
                request.size,
                authorized,
                request.user_data,
                caller.key_id,
            )
            await _check_credit(connection, caller, 0)
            await capsuls.reserve_room(connection, capsul_id)
            return await self._begin(
                connection, caller, capsul_id, "create", request.idempotency_key, request.digest(), f"{name} {size.id}"
            )

    async def start(self, caller: Caller, reference: str, idempotency_key: str | None = None) -> Accepted:
        """Raises NotFound, BadState, Busy, Conflict."""
        return await self._request(caller, reference, "start", idempotency_key)

    async def stop(self, caller: Caller, reference: str, idempotency_key: str | None = None) -> Accepted:
        """Asks the guest to shut down. Raises NotFound, BadState, Busy, Conflict."""
        return await self._request(caller, reference, "stop", idempotency_key)

    async def restart(self, caller: Caller, reference: str, idempotency_key: str | None = None) -> Accepted:
        """Shuts down and starts again. Raises NotFound, BadState, Busy, Conflict."""
        return await self._request(caller, reference, "restart", idempotency_key)

    async def kill(self, caller: Caller, reference: str, idempotency_key: str | None = None) -> Accepted:
        """Pulls the plug. Raises NotFound, BadState, Busy, Conflict."""
        return await self._request(caller, reference, "kill", idempotency_key)

    async def destroy(
        self, caller: Caller, reference: str, confirm: str, idempotency_key: str | None = None
    ) -> Accepted:
        """For good, disk and all. It stops costing at once.

        Raises:
            RuleBroken: `confirm` is not the capsul's name.
            NotFound, BadState, Busy, Conflict: as elsewhere.
        """
        return await self._request(caller, reference, "destroy", idempotency_key, confirm)

    async def rename(self, caller: Caller, reference: str, name: str) -> Capsul:
        """Raises NotFound, BadName, NameTaken."""
        async with as_member(self._database, caller, "run") as connection:
            capsul = await find(connection, caller, reference)
            _check_scope(caller, capsul)
            if capsul.ended_at is not None:
                raise RuleBroken(f"The capsul is {capsul.state}: it has no use for a name.")
            await capsuls.rename(connection, capsul.id, check_name(name))
            await note(connection, caller, "capsul renamed", capsul.id, f"{capsul.name} to {name}")
            return await find(connection, caller, capsul.id)

    async def _request(
        self,
        caller: Caller,
        reference: str,
        kind: OperationKind,
        idempotency_key: str | None,
        confirm: str | None = None,
    ) -> Accepted:
        async with as_member(self._database, caller, "stop" if kind in ("stop", "kill") else "run") as connection:
            capsul = await find(connection, caller, reference)
            digest = _digest(kind=kind, capsul=capsul.id)
            _check_scope(caller, capsul)
            # Whoever asks for the same capsul at the same time waits here, and then sees what came of it.
            await capsuls.lock(connection, capsul.id)
            if answered := await _answered(connection, caller, idempotency_key, digest):
                return answered
            capsul = await find(connection, caller, capsul.id)
            if confirm is not None and confirm != capsul.name:
                raise RuleBroken(f"To destroy it, confirm with its name: --confirm {capsul.name}")
            if under_way := await operations.unfinished_of(connection, capsul.id):
                return Accepted(capsul, await _same_kind(connection, under_way, kind), changed=False)
            if not is_wanted_work(capsul, kind):
                if idempotency_key is not None:
                    await operations.insert_nothing_to_do(
                        connection,
                        caller.account_id,
                        capsul.id,
                        kind,
                        idempotency_key,
                        digest,
                        caller.fingerprint,
                        caller.session_id,
                    )
                return Accepted(capsul, None, changed=False)
            await capsuls.change_state(connection, capsul.id, *UNDER_WAY[kind])
            return await self._begin(connection, caller, capsul.id, kind, idempotency_key, digest, capsul.name)

    async def _begin(
        self,
        connection: Connection,
        caller: Caller,
        capsul_id: str,
        kind: OperationKind,
        idempotency_key: str | None,
        digest: bytes,
        what: str,
    ) -> Accepted:
        operation_id = await operations.insert(
            connection,
            caller.account_id,
            capsul_id,
            kind,
            idempotency_key,
            digest,
            caller.fingerprint,
            caller.session_id,
            self._lasts,
        )
        await note(connection, caller, f"capsul {kind}", capsul_id, what)
        return Accepted(
            await find(connection, caller, capsul_id), await operations.by_id(connection, operation_id), changed=True
        )


async def find(connection: Connection, caller: Caller, reference: str) -> Capsul:
    """The caller's capsul of this id or name. Raises NotFound, also for what is somebody else's."""
    capsul = await capsuls.by_reference(connection, caller.account_id, reference)
    if capsul is None:
        raise NotFound("You have no such capsul (see: ls).")
    return capsul


def is_wanted_work(capsul: Capsul, kind: OperationKind) -> bool:
    """Whether the request needs work: False when it is already so. Raises BadState when it makes no sense."""
    if capsul.desired == "destroyed" and capsul.ended_at is None and kind != "destroy":
        raise BadState("The capsul is being destroyed: nothing else can be done with it.")
    return is_work(kind, capsul.state)


async def _same_kind(
    connection: Connection, under_way: tuple[str, OperationKind], kind: OperationKind
) -> Operation | None:
    """The operation that is under way, if it is what was asked for. Raises Busy when it is something else."""
    operation_id, its_kind = under_way
    if its_kind != kind:
        raise Busy(f"This capsul is busy: {its_kind} ({operation_id}) is under way. Wait for it to end.")
    return await operations.by_id(connection, operation_id)


def _check_scope(caller: Caller, capsul: Capsul) -> None:
    if caller.scope == "machines" and capsul.created_by != caller.key_id:
        raise NotPermitted("This key's scope is machines: it may act on capsuls that it created, not on this one.")


async def _offer(connection: Connection, request: CreateRequest) -> tuple[Size, Image]:
    size = next((size for size in await capsuls.sizes(connection) if size.id == request.size), None)
    if size is None:
        raise NotFound("There is no such size (see: sizes).")
    image = next((image for image in await capsuls.images(connection) if image.id == request.image), None)
    if image is None:
        raise NotFound("There is no such image (see: images).")
    return size, image


async def _authorized_keys(connection: Connection, caller: Caller, request: CreateRequest) -> list[str]:
    """The lines that the capsul's own login shall accept."""
    live = [key for key in await keys.of_account(connection, caller.account_id) if key.state == "live"]
    if not request.keys:
        return [key.public_key for key in live if key.scope == "full"]
    return [_key(live, wanted).public_key for wanted in request.keys]


def _key(live: Sequence[Key], wanted: str) -> Key:
    for key in live:
        if wanted in (key.fingerprint, key.name):
            return key
    raise NotFound(f"There is no key {wanted!r} on your list (see: keys).")


async def _check_credit(connection: Connection, caller: Caller, extra_burn: int) -> None:
    funds = await billing.funds(connection, caller.account_id)
    needed = credit_needed(await billing.committed_burn(connection, caller.account_id) + extra_burn)
    available = funds.balance - funds.accrued
    if available < needed:
        raise NotEnoughCredit(
            f"This needs {decimal_text(needed + 9_999)} {funds.currency} to be available (a day of all your capsuls); "
            f"you have {decimal_text(available)}. Add some with: topup AMOUNT"
        )


async def _answered(
    connection: Connection, caller: Caller, idempotency_key: str | None, digest: bytes
) -> Accepted | None:
    """The first answer, when the key was used before. Raises Conflict when it was for another request."""
    if idempotency_key is None:
        return None
    known = await operations.by_idempotency_key(connection, caller.account_id, idempotency_key)
    if known is None:
        return None
    operation_id, known_digest = known
    if known_digest != digest:
        raise Conflict
    operation = await operations.by_id(connection, operation_id)
    assert operation is not None  # noqa: S101 - read in the same transaction
    # What was never begun was so already when it was asked for.
    nothing_to_do = operation.ended and operation.started_at is None
    capsul = await find(connection, caller, operation.capsul_id)
    return Accepted(capsul, None if nothing_to_do else operation, changed=not nothing_to_do)


def _digest(**request: object) -> bytes:
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).digest()
