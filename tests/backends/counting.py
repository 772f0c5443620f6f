"""A libvirt connection that counts what crosses it, and can die at a chosen call."""

from collections.abc import Callable
from typing import Any

import libvirt

LOCAL = frozenset({"UUID", "UUIDString", "name", "connect", "isAlive", "key"})
"""What libvirt answers from the handle, without asking the host."""


class WorkerDied(BaseException):
    """Stands for SIGKILL: no handler of ours runs after it, for it is no Exception."""


class Counter:
    """Opens connections and counts every call to the host that is made over them.

    `before(name)` and `after(name)` are called around each, and may raise.
    """

    def __init__(
        self,
        before: Callable[[str], None] = lambda name: None,
        after: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.calls: list[str] = []
        self._before, self._after = before, after

    def open(self, uri: str) -> Any:
        return Counted(libvirt.open(uri), self)

    def made(self, name: str, call: Callable[..., Any], arguments: Any, words: Any) -> Any:
        self.calls.append(name)
        self._before(name)
        try:
            return call(*arguments, **words)
        finally:
            self._after(name)


class Counted:
    """A libvirt handle whose calls are counted, and the handles it gives too."""

    def __init__(self, handle: Any, counter: Counter) -> None:
        self._handle, self._counter = handle, counter

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._handle, name)
        if name in LOCAL:
            return call

        def counted(*arguments: Any, **words: Any) -> Any:
            plain = [getattr(argument, "_handle", argument) for argument in arguments]
            return wrapped(self._counter.made(name, call, plain, words), self._counter)

        return counted


def wrapped(answer: Any, counter: Counter) -> Any:
    """The answer with every libvirt handle in it counted from now on."""
    if isinstance(answer, list):
        return [wrapped(each, counter) for each in answer]
    if isinstance(answer, tuple):
        return tuple(wrapped(each, counter) for each in answer)
    if type(answer).__module__ == "libvirt" and type(answer).__name__.startswith("vir"):
        return Counted(answer, counter)
    return answer
