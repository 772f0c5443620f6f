"""What crosses from one package to another: frozen, plain, named as in the database and on the screen.

Amounts are integer micro-units of the one configured currency (1 USD = 1,000,000). Times are aware datetimes.
"""

from capsul.models.capsuls import (
    Accepted,
    Capsul,
    CapsulState,
    Host,
    Image,
    Operation,
    OperationKind,
    OperationState,
    Promise,
    Quote,
    Size,
    Step,
)
from capsul.models.messages import Announcement, Change, Letter
from capsul.models.money import Balance, Burning, LedgerEntry, PaymentPage, Segment, Topup, TopupState
from capsul.models.operators import AccountDetails, AccountSummary, Board, Numbers, TopupTrouble
from capsul.models.overview import CapsulDetails, Offer, OfferedSize, Overview
from capsul.models.people import (
    Account,
    AuditEntry,
    Caller,
    Enrolled,
    Enrolment,
    Guest,
    Key,
    KeyLimits,
    OpenSession,
    PublicKey,
    Scope,
)

__all__ = [
    "Accepted",
    "Account",
    "AccountDetails",
    "AccountSummary",
    "Announcement",
    "AuditEntry",
    "Balance",
    "Board",
    "Burning",
    "Caller",
    "Capsul",
    "CapsulDetails",
    "CapsulState",
    "Change",
    "Enrolled",
    "Enrolment",
    "Guest",
    "Host",
    "Image",
    "Key",
    "KeyLimits",
    "LedgerEntry",
    "Letter",
    "Numbers",
    "Offer",
    "OfferedSize",
    "OpenSession",
    "Operation",
    "OperationKind",
    "OperationState",
    "Overview",
    "PaymentPage",
    "Promise",
    "PublicKey",
    "Quote",
    "Scope",
    "Segment",
    "Size",
    "Step",
    "Topup",
    "TopupState",
    "TopupTrouble",
]
