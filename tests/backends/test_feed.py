"""Every listener hears everything in order, or is told that it did not."""

import asyncio
from datetime import UTC, datetime

from backends.hypervisor.feed import Feed
from capsul.machines import HostEvent, HostLost, Resync

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def loss(number: int) -> HostLost:
    return HostLost("host-1", str(number), NOW)


def heard(queue: asyncio.Queue[HostEvent]) -> list[HostEvent]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


async def test_all_listeners_hear_all_in_order() -> None:
    feed = Feed("host-1")
    with feed.listen() as one, feed.listen() as another:
        for number in range(5):
            feed.publish(loss(number))
        assert heard(one) == heard(another) == [loss(number) for number in range(5)]


async def test_a_listener_that_does_not_keep_up_is_told_to_read_anew_and_others_are_not() -> None:
    feed = Feed("host-1", backlog=3)
    with feed.listen() as slow, feed.listen() as quick:
        for number in range(4):
            feed.publish(loss(number))
            assert heard(quick) == [loss(number)]
        resync, last = heard(slow)
    assert isinstance(resync, Resync)
    assert last == loss(3)


async def test_who_has_left_is_forgotten() -> None:
    feed = Feed("host-1")
    with feed.listen() as queue:
        pass
    feed.publish(loss(1))
    assert queue.empty()
