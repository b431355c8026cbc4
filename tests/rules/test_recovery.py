"""Verdicts and kept positions: who starts where, and what is told of it."""

import asyncio

import pytest

from tests.gateway_world import MemoryLog, on_uvloop
from wedsync.events.channels import Channel, JoinConfig
from wedsync.events.reader import ReaderAway
from wedsync.events.recovery import FAR, KEPT_S, REFRESH_S, SHARED_S, Positions, judge
from wedsync.events.sockets import Socket
from wedsync.events.tokens import Claims
from wedsync.events.wire import Framing


def channel() -> Channel:
    claims = Claims("p", "s", "authenticated", 9e9)
    socket = Socket(
        framing=Framing.V2,
        claims=claims,
        text=lambda _: None,
        binary=lambda _: None,
        ping=lambda _: None,
        shut=lambda code, reason: None,
        now=0.0,
    )
    return Channel(socket, topic="realtime:wedding:w", join_ref=b"1", config=JoinConfig(), claims=claims)


@pytest.mark.parametrize(
    ("wanted", "oldest", "limit", "status", "start", "missed"),
    [
        ((1, 90), 1, 1000, "recovered", 90, 0),
        ((None, 90), 1, 1000, "recovered", 90, 0),
        ((1, 100), 1, 1000, "recovered", 100, 0),
        ((1, 0), 1, 1000, "recovered", 0, 0),
        ((1, 0), 51, 1000, "truncated", 50, 50),
        ((1, 50), 51, 1000, "recovered", 50, 0),
        ((1, 0), 101, 1000, "truncated", 100, 100),
        ((1, 10), 1, 30, "truncated", 70, 60),
        ((2, 90), 1, 1000, "reset", 100, 0),
        ((1, 101), 1, 1000, "reset", 100, 0),
    ],
)
def test_a_verdict(
    wanted: tuple[int | None, int], oldest: int, limit: int, status: str, start: int, missed: int
) -> None:
    verdict = judge(wanted, epoch=1, top=100, oldest=oldest, limit=limit)
    assert (verdict.status, verdict.start, verdict.missed, verdict.top) == (status, start, missed, 100)


@on_uvloop
async def test_after_a_restart_every_socket_of_a_key_starts_from_the_kept_position_for_a_while() -> None:
    log = MemoryLog()
    log.positions[b"k"] = (1, 7)
    positions = Positions(log)
    both = await asyncio.gather(*(positions.claim(b"k", tenant="t", epoch=1, now=0.0) for _ in range(2)))
    assert both == [(1, 7), (1, 7)]
    assert log.asked["position"] == 1
    assert await positions.claim(b"k", tenant="t", epoch=1, now=SHARED_S + 1) is None


@on_uvloop
async def test_a_position_that_could_not_be_read_is_asked_for_again() -> None:
    log = MemoryLog()
    log.positions[b"k"] = (1, 7)
    log.is_away = True
    positions = Positions(log)
    with pytest.raises(ReaderAway):
        await positions.claim(b"k", tenant="t", epoch=1, now=0.0)
    log.is_away = False
    assert await positions.claim(b"k", tenant="t", epoch=1, now=0.0) == (1, 7)


def test_only_what_changed_or_grew_old_is_written() -> None:
    positions, one = Positions(MemoryLog()), channel()
    positions.hold(one, tenant="t", epoch=1, seq=5, now=0.0)
    (first,) = positions.due(1.0)
    assert (first.stream, first.epoch, first.seq) == ("t", 1, 5)
    assert positions.due(2.0) == []
    positions.confirm(one, 6, was_sent=False)
    assert positions.due(3.0) == []
    positions.confirm(one, 7, was_sent=True)
    assert [row.seq for row in positions.due(4.0)] == [7]
    positions.confirm(one, 7 + FAR, was_sent=False)
    assert [row.seq for row in positions.due(5.0)] == [7 + FAR]
    positions.confirm(one, 3, was_sent=True)
    assert positions.due(6.0) == []
    positions.refresh(REFRESH_S + 10)
    assert [row.seq for row in positions.due(REFRESH_S + 10)] == [7 + FAR]


@on_uvloop
async def test_joins_at_the_same_time_are_written_together() -> None:
    log = MemoryLog()
    positions = Positions(log)
    channels = [channel() for _ in range(20)]
    for number, one in enumerate(channels):
        one.key = b"%d" % number
        positions.hold(one, tenant="t", epoch=1, seq=number, now=0.0)
    log.gates["save_positions"] = asyncio.Event()
    first = asyncio.ensure_future(positions.save())
    await asyncio.sleep(0)
    late = channel()
    positions.hold(late, tenant="t", epoch=1, seq=99, now=0.0)
    others = [asyncio.ensure_future(positions.save()) for _ in range(5)]
    await asyncio.sleep(0)
    log.gates["save_positions"].set()
    await asyncio.gather(first, *others)
    assert log.asked["save_positions"] <= 2
    assert len(log.positions) == 21


def test_sockets_that_share_a_key_keep_the_lowest() -> None:
    positions, one, two = Positions(MemoryLog()), channel(), channel()
    positions.hold(one, tenant="t", epoch=1, seq=5, now=0.0)
    positions.hold(two, tenant="t", epoch=1, seq=9, now=0.0)
    assert [row.seq for row in positions.due(1.0)] == [5]
    positions.confirm(one, 20, was_sent=True)
    assert [row.seq for row in positions.due(2.0)] == [9]
    positions.release(two, may_return=True, now=3.0)
    positions.confirm(one, 30, was_sent=True)
    assert [row.seq for row in positions.due(4.0)] == [9]
    positions.release(one, may_return=False, now=5.0)
    positions.forget_old(5.0 + KEPT_S)
    assert len(positions) == 1
    positions.forget_old(6.0 + KEPT_S)
    assert len(positions) == 0


def test_a_new_epoch_forgets_what_the_old_one_confirmed() -> None:
    positions, one, two = Positions(MemoryLog()), channel(), channel()
    positions.hold(one, tenant="t", epoch=1, seq=500, now=0.0)
    positions.release(one, may_return=True, now=1.0)
    positions.hold(two, tenant="t", epoch=2, seq=3, now=2.0)
    assert [(row.epoch, row.seq) for row in positions.due(3.0)] == [(2, 3)]
    positions.release(two, may_return=True, now=4.0)
    positions.release(two, may_return=True, now=4.0)
    positions.confirm(two, 9, was_sent=True)
    assert positions.confirmed(two) == 0
