"""The JSON of each thing. docs/schemas/ describes it; scripts rely on it."""

from datetime import UTC, datetime

from capsul.machines import Series
from capsul.models import (
    Account,
    AccountDetails,
    AccountSummary,
    Announcement,
    AuditEntry,
    Balance,
    Capsul,
    Enrolment,
    Host,
    Image,
    Key,
    LedgerEntry,
    OpenSession,
    Operation,
    Quote,
    Size,
    Topup,
    TopupTrouble,
)
from capsul.money import decimal_text
from capsul.obstacles import Obstacle
from capsul.rules import price_per_hour

Document = dict[str, object]


def exact(micro: int) -> str:
    """Money to the last micro-unit, with two places at least."""
    text = decimal_text(micro, 6)
    return text[:-4] + text[-4:].rstrip("0")


def time(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None


def account(it: Account) -> Document:
    return {"id": str(it.id), "email": it.email, "state": it.state, "created_at": time(it.created_at)}


def key(it: Key) -> Document:
    return {
        "fingerprint": it.fingerprint,
        "public_key": it.public_key,
        "name": it.name,
        "scope": it.scope,
        "operator": it.operator,
        "state": it.state,
        "confirm_code": it.confirm_code,
        "waits_until": time(it.waits_until),
        "networks": list(it.networks),
        "expires_at": time(it.expires_at),
        "created_at": time(it.created_at),
        "last_used_at": time(it.last_used_at),
    }


def session(it: OpenSession) -> Document:
    return {
        "id": it.id,
        "key": {"name": it.key_name, "fingerprint": it.fingerprint},
        "source": it.source,
        "client": it.client,
        "terminal": it.terminal,
        "started_at": time(it.started_at),
    }


def enrolment(it: Enrolment) -> Document:
    return {
        "code": it.code,
        "fingerprint": it.fingerprint,
        "state": it.state,
        "email": it.address,
        "tries_left": it.tries_left,
        "expires_at": time(it.expires_at),
    }


def capsul(it: Capsul) -> Document:
    return {
        "id": it.id,
        "name": it.name,
        "state": it.state,
        "reason": it.reason,
        "state_since": time(it.state_since),
        "image": it.image_id,
        "size": it.size_id,
        "user": it.login_user,
        "ipv4": it.ipv4,
        "ipv6": it.ipv6,
        "ssh": ssh_to(it),
        "host_keys": [],
        "created_at": time(it.created_at),
        "ended_at": time(it.ended_at),
        "price_per_month": exact(it.price_month),
        "currency": it.currency,
    }


def anybodys_capsul(it: Capsul) -> Document:
    return {**capsul(it), "account": str(it.account_id), "host": it.host_id}


def ssh_to(it: Capsul) -> str | None:
    """The command that logs in to a capsul; None while it has no address."""
    address = it.ipv4 or it.ipv6
    return f"ssh {it.login_user}@{address}" if address else None


def operation(it: Operation) -> Document:
    return {
        "id": it.id,
        "kind": it.kind,
        "state": it.state,
        "reason": it.reason,
        "capsul": {"id": it.capsul_id, "name": it.capsul_name},
        "created_at": time(it.created_at),
        "started_at": time(it.started_at),
        "finished_at": time(it.finished_at),
        "steps": [{"name": s.name, "state": s.state, "seconds": round(s.seconds, 3)} for s in it.steps],
    }


def size(it: Size) -> Document:
    return {
        "id": it.id,
        "vcpus": it.vcpus,
        "memory_mib": it.memory_mib,
        "disk_gib": it.disk_gib,
        "price_per_month": exact(it.price_month),
        "price_per_hour": exact(price_per_hour(it.price_month)),
        "currency": it.currency,
        "fits": it.fits,
    }


def image(it: Image) -> Document:
    return {
        "id": it.id,
        "name": it.name,
        "version": it.version,
        "user": it.login_user,
        "deprecated": it.deprecated,
    }


def quote(it: Quote) -> Document:
    return {
        "name": it.name,
        "image": image(it.image),
        "size": size(it.size),
        "available": decimal_text(it.available),
        "currency": it.size.currency,
        "hours_left_before": _hours(it.hours_left_before),
        "hours_left_after": _hours(it.hours_left_after),
    }


def balance(it: Balance) -> Document:
    return {
        "balance": decimal_text(it.balance),
        "available": decimal_text(it.available),
        "gift": decimal_text(it.gift),
        "currency": it.currency,
        "burn_per_hour": exact(it.burn_per_hour),
        "hours_left": _hours(it.hours_left),
    }


def entry(it: LedgerEntry) -> Document:
    return {
        "id": it.id,
        "at": time(it.at),
        "kind": it.kind,
        "amount": exact(it.amount),
        "wallet": it.wallet,
        "balance": exact(it.balance),
        "total": exact(it.total),
        "currency": it.currency,
        "reference": it.reference,
        "about": it.about,
        "note": it.note,
    }


def topup(it: Topup, url: str) -> Document:
    return {
        "id": it.id,
        "state": it.state,
        "amount": exact(it.amount),
        "credited": exact(it.credited),
        "currency": it.currency,
        "method": it.provider,
        "url": url,
        "created_at": time(it.created_at),
        "settled_at": time(it.settled_at),
    }


def topup_trouble(it: TopupTrouble, url: str) -> Document:
    return {
        **topup(it.topup, url),
        "account": str(it.topup.account_id),
        "email": it.email,
        "since": time(it.since),
        "why": it.why,
        "advice": it.advice,
    }


def series(it: Series) -> Document:
    return {"unit": it.unit, "points": [[at, value] for at, value in it.points]}


def audit(it: AuditEntry) -> Document:
    return {
        "id": it.id,
        "at": time(it.at),
        "account": str(it.account_id) if it.account_id else None,
        "actor": it.actor,
        "fingerprint": it.fingerprint,
        "session": it.session_id,
        "source": it.source,
        "action": it.action,
        "target": it.target,
        "reason": it.reason,
    }


def host(it: Host) -> Document:
    return {
        "id": it.id,
        "uri": it.uri,
        "accepts_new": it.accepts_new,
        "reachable": it.reachable,
        "trouble": it.trouble,
        "seen_at": time(it.seen_at),
        "memory_mib": it.memory_mib,
        "disk_gib": it.disk_gib,
        "committed_memory_mib": it.committed_memory_mib,
        "committed_disk_gib": it.committed_disk_gib,
        "capsuls": it.capsuls,
    }


def account_summary(it: AccountSummary) -> Document:
    return {
        "id": str(it.id),
        "state": it.state,
        "email": it.email,
        "capsuls": it.capsuls,
        "balance": decimal_text(it.balance),
        "currency": it.currency,
        "created_at": time(it.created_at),
    }


def account_details(it: AccountDetails) -> Document:
    return {
        "account": account_summary(it.summary),
        "balance": balance(it.balance),
        "keys": [key(one) for one in it.keys],
        "capsuls": [anybodys_capsul(one) for one in it.capsuls],
        "entries": [entry(one) for one in it.entries],
        "operations": [operation(one) for one in it.operations],
        "audit": [audit(one) for one in it.audit],
    }


def announcement(it: Announcement) -> Document:
    return {"id": it.id, "text": it.text, "created_at": time(it.created_at), "ends_at": time(it.ends_at)}


def obstacle(it: Obstacle) -> Document:
    return {"what": it.what, "until": time(it.until), "message": it.message}


def _hours(hours: float | None) -> float | None:
    return None if hours is None else round(hours, 2)
