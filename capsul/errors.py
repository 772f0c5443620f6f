"""Every error raised on purpose. The docstring of a class is the message a person reads by default.

CapsulError
├── Refused                     the caller can act
│   ├── BadRequest              exit 2   the words do not make a request
│   ├── RuleBroken              exit 3   a rule says no (name taken, bad state)
│   ├── NotFound                exit 4   no such thing, or not yours
│   ├── NotEnoughCredit         exit 5
│   ├── NoCapacity              exit 6
│   ├── Conflict                exit 7   same idempotency key, other request
│   ├── OperationFailed         exit 8
│   └── NotPermitted            exit 77
└── Unavailable                 exit 75  we can act: a backend is away, or a limit; try later
"""

import inspect


class CapsulError(Exception):
    """Something went wrong."""

    code = "error"
    exit_status = 1

    def __init__(self, message: str | None = None) -> None:
        self.message = message or inspect.cleandoc(type(self).__doc__ or "").splitlines()[0]
        super().__init__(self.message)


class Refused(CapsulError):
    """The request was refused."""

    code = "refused"
    exit_status = 3


class BadRequest(Refused):
    """These words do not make a request."""

    code = "usage"
    exit_status = 2


class RuleBroken(Refused):
    """A rule does not allow this."""

    code = "refused"
    exit_status = 3


class NameTaken(RuleBroken):
    """You already have a capsul with that name. Choose another, or leave --name out to be given one."""

    code = "name_taken"


class BadName(RuleBroken):
    """A name is 1 to 40 letters a-z, digits and hyphens, begins and ends with a letter or digit, and does \
not look like an id."""

    code = "bad_name"


class BadState(RuleBroken):
    """The capsul is not in a state that allows this."""

    code = "bad_state"


class Busy(RuleBroken):
    """Another operation on this capsul is still under way. Wait for it to end, then try again."""

    code = "busy"


class NotFound(Refused):
    """There is no such thing, or it is not yours."""

    code = "not_found"
    exit_status = 4


class NotEnoughCredit(Refused):
    """There is not enough credit for this. Add some with: topup AMOUNT"""

    code = "insufficient_credit"
    exit_status = 5


class NoCapacity(Refused):
    """There is no room for that size now. Try a smaller size (see: sizes), or again later."""

    code = "no_capacity"
    exit_status = 6


class Conflict(Refused):
    """This idempotency key was already used for another request. Use a new key."""

    code = "conflict"
    exit_status = 7


class OperationFailed(Refused):
    """The operation failed."""

    code = "operation_failed"
    exit_status = 8


class NotPermitted(Refused):
    """This key may not do that."""

    code = "not_permitted"
    exit_status = 77


class NotEnrolled(NotPermitted):
    """This key does not belong to an account yet. Enrol it with: enrol YOU@EXAMPLE.ORG"""

    code = "not_enrolled"


class Unavailable(CapsulError):
    """Something we depend on is away. Please try again in a minute."""

    code = "unavailable"
    exit_status = 75

    def __init__(self, message: str | None = None, *, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""


class TooMany(Unavailable):
    """That is too many requests. Please wait a little."""

    code = "too_many"
