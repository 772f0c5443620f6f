"""The verbs: what a member, a guest or an operator can do. Every door calls these; a rule is written here once."""

from dataclasses import dataclass

from backends.metrics import Metrics
from capsul.config import Settings
from db.changes import Changes
from db.database import Database
from services.accounts import Accounts
from services.billing import Billing
from services.capsuls import Capsuls
from services.enrolment import Enrolments
from services.keys import Keys
from services.metrics import CapsulMetrics
from services.operations import Operations
from services.operators import Operators
from services.overview import Overviews
from services.payments import Payments
from services.sessions import Sessions


@dataclass(frozen=True)
class Services:
    """What every door is given."""

    settings: Settings
    changes: Changes
    accounts: Accounts
    keys: Keys
    enrolment: Enrolments
    capsuls: Capsuls
    operations: Operations
    billing: Billing
    payments: Payments
    metrics: CapsulMetrics
    operators: Operators
    sessions: Sessions
    overview: Overviews


def build_services(database: Database, changes: Changes, metrics: Metrics, settings: Settings) -> Services:
    """The verbs of one process, over its own database login."""
    return Services(
        settings=settings,
        changes=changes,
        accounts=Accounts(database),
        keys=Keys(database),
        enrolment=Enrolments(database, settings),
        capsuls=Capsuls(database, settings),
        operations=Operations(database, changes),
        billing=Billing(database),
        payments=Payments(database, changes, settings),
        metrics=CapsulMetrics(database, metrics),
        operators=Operators(database, settings),
        sessions=Sessions(database),
        overview=Overviews(database),
    )
