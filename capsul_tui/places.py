"""The screens that are one key away from wherever somebody is: a member, or an operator among what is for operators."""

from collections.abc import Sequence
from dataclasses import dataclass

from capsul_tui.screens.activity import ActivityScreen
from capsul_tui.screens.base import CapsulScreen
from capsul_tui.screens.home import HomeScreen
from capsul_tui.screens.keys import KeysScreen
from capsul_tui.screens.ledger import LedgerScreen
from capsul_tui.screens.operator.accounts import AccountsScreen
from capsul_tui.screens.operator.announcements import AnnouncementsScreen
from capsul_tui.screens.operator.audit import AuditScreen
from capsul_tui.screens.operator.hosts import HostsScreen
from capsul_tui.screens.operator.operations import OperatorOperationsScreen
from capsul_tui.screens.operator.overview import OperatorScreen
from capsul_tui.screens.operator.payments import PaymentsScreen
from capsul_tui.screens.sessions import SessionsScreen
from capsul_tui.screens.topups import TopupsScreen


@dataclass(frozen=True)
class Place:
    """A screen with a key of its own."""

    key: str
    name: str
    screen: type[CapsulScreen[None]]


PLACES: Sequence[Place] = (
    Place("1", "Home", HomeScreen),
    Place("2", "Ledger", LedgerScreen),
    Place("3", "Topups", TopupsScreen),
    Place("4", "Keys", KeysScreen),
    Place("5", "Sessions", SessionsScreen),
    Place("6", "Activity", ActivityScreen),
)

OPERATOR_PLACES: Sequence[Place] = (
    Place("0", "Board", OperatorScreen),
    Place("1", "Accounts", AccountsScreen),
    Place("2", "Hosts", HostsScreen),
    Place("3", "Operations", OperatorOperationsScreen),
    Place("4", "Announcements", AnnouncementsScreen),
    Place("5", "Topups", PaymentsScreen),
    Place("6", "Audit", AuditScreen),
)
