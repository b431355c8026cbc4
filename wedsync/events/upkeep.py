"""What happens by the clock: pings, dead and idle sockets, expired tokens, rights, positions, streams let go.

Each duty is a method that takes the time, so that a test moves the clock; `run` calls them.
"""

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from wedsync.events.channels import Channel, State
from wedsync.events.reader import ReaderAway
from wedsync.events.sockets import BUSY_FRAMES, PING_EVERY_S, RESTART, TRY_LATER, Socket
from wedsync.events.streams import Stream
from wedsync.kit import clock

if TYPE_CHECKING:
    from wedsync.events.live import Hub

log = structlog.get_logger()

TICK_S: Final = 1.0
DEAD_AFTER_S: Final = 45.0
"""Two pings went unanswered."""
IDLE_AFTER_S: Final = 55.0
"""A socket without a channel; with a tick and a close it is gone within a minute."""
STREAM_KEPT_S: Final = 30.0
EXPIRY_GRACE_S: Final = 60.0
"""A fresh token may arrive: clients send one with a heartbeat, every 25 s."""
AUDIT_S: Final = 300.0
AUDIT_WITHOUT_FEED_S: Final = 15.0
"""While the feed is away, a change told on a stream nobody follows is not heard."""
SESSIONS_S: Final = 5.0
POLL_BUSY_S: Final = 0.25
POLL_IDLE_S: Final = 1.0
BUSY_FOR_S: Final = 10.0
SWEEP_S: Final = 10.0
"""Kept positions live for minutes, so they are not looked through every second."""
ANNOUNCE_S: Final = 20.0
DRAIN_BATCH: Final = 200


class Upkeep:
    """The duties of one hub."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._busy_until = 0.0
        self._announced_at = 0.0
        self._swept_at = -SWEEP_S

    async def run(self) -> None:
        """Do all duties until cancelled."""
        async with asyncio.TaskGroup() as duties:
            duties.create_task(self._tick_for_ever())
            duties.create_task(self._poll_for_ever())
            duties.create_task(self._check_sessions_for_ever())

    async def _tick_for_ever(self) -> None:
        while True:
            began = clock.monotonic()
            await asyncio.sleep(TICK_S)
            now = clock.monotonic()
            self._hub.stats.loop_lag_ms = max(0.0, (now - began - TICK_S) * 1000)
            self.tick(now)
            await self.save_positions()

    async def _poll_for_ever(self) -> None:
        while True:
            await self.poll()
            is_busy = not self._hub.feed_is_up or clock.monotonic() < self._busy_until
            await asyncio.sleep(POLL_BUSY_S if is_busy else POLL_IDLE_S)

    async def _check_sessions_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SESSIONS_S)
            await self.check_sessions()

    async def poll(self) -> None:
        """Compare what was seen with the log; after a miss it is looked at more often for a while."""
        try:
            if await self._hub.poll():
                self._busy_until = clock.monotonic() + BUSY_FOR_S
        except ReaderAway as error:
            self._hub.reader_failed(error)

    async def check_sessions(self) -> None:
        """Cut the sockets of sessions that ended without word."""
        sids = {c.claims.sid for stream in self._hub.streams.values() for c in stream.channels} - {None}
        try:
            for sid in await self._hub.sessions.check(sid for sid in sids if sid is not None) if sids else ():
                self._hub.rights.end_session(sid)
        except ReaderAway as error:
            self._hub.reader_failed(error)

    async def save_positions(self) -> None:
        """Write confirmed positions, all at once."""
        try:
            await self._hub.positions.save()
        except ReaderAway as error:
            self._hub.reader_failed(error)

    def tick(self, now: float) -> None:
        """Once a second."""
        hub = self._hub
        for socket in [s for s in hub.sockets if _is_due(s, now)]:
            self._look_at_socket(socket, now)
        wall = hub.tokens.now()
        expired, audited = wall - EXPIRY_GRACE_S, now - (AUDIT_S if hub.feed_is_up else AUDIT_WITHOUT_FEED_S)
        for stream in list(hub.streams.values()):
            self._look_at_stream(stream, now)
            due = [c for c in stream.channels if c.audited_at < audited or c.claims.expires_at < expired]
            for channel in due:
                self._look_at_channel(channel, now, wall)
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            hub.positions.refresh(now)
            hub.positions.forget_old(now)
        hub.sessions.forget_old()
        if hub.neighbours is not None and now - self._announced_at >= ANNOUNCE_S:
            self._announced_at = now
            hub.neighbours.announce()

    def _look_at_socket(self, socket: Socket, now: float) -> None:
        if now - socket.heard_at > DEAD_AFTER_S:
            self._close(socket, TRY_LATER, "dead")
        elif not socket.channels and now - socket.idle_since > IDLE_AFTER_S:
            self._close(socket, RESTART, "idle")
        elif not socket.is_congested and (socket.frames >= BUSY_FRAMES or now - socket.pinged_at >= PING_EVERY_S):
            confirmed = self._hub.positions.confirmed
            socket.send_ping(
                now,
                [
                    (channel, channel.position)
                    for channel in socket.channels.values()
                    if channel.state is not State.JOINING and channel.position > confirmed(channel)
                ],
            )

    def _close(self, socket: Socket, code: int, reason: str) -> None:
        self._hub.stats.closes[reason] += 1
        socket.cut(code, reason)
        # A dead peer's transport may take minutes to say so; what hangs on the socket is let go now.
        self._hub.disconnect(socket)

    def _look_at_channel(self, channel: Channel, now: float, wall: float) -> None:
        """Its token has expired, or its rights were asked for long ago."""
        late = wall - channel.claims.expires_at
        if late > EXPIRY_GRACE_S:
            self._hub.rights.fail(channel, "InvalidJWTToken", f"Token has expired {int(late)} seconds ago")
        elif channel.state is State.LIVE:
            channel.audited_at = now
            self._hub.rights.hold(channel)

    def _look_at_stream(self, stream: Stream, now: float) -> None:
        stream.trim(now)
        for person in [p for p, (_, asked, _) in stream.audiences.items() if asked < now - SESSIONS_S]:
            del stream.audiences[person]
        for topic, presence in list(stream.presences.items()):
            presence.expire(now)
            if not presence.entries and not any(c.topic == topic for c in stream.channels):
                del stream.presences[topic]
        if stream.empty_since is not None and stream.is_open and now - stream.empty_since > STREAM_KEPT_S:
            self._hub.forget_stream(stream)

    async def drain(self, seconds: float) -> None:
        """Ask every client to come back, in batches: they go to another process, or to this one's successor."""
        hub = self._hub
        hub.is_draining = True
        sockets = list(hub.sockets)
        batches = [sockets[at : at + DRAIN_BATCH] for at in range(0, len(sockets), DRAIN_BATCH)]
        for number, batch in enumerate(batches):
            for socket in batch:
                hub.stats.closes["drain"] += 1
                socket.cut(RESTART, "restarting: reconnect and resume")
            await asyncio.sleep(seconds / len(batches) if number + 1 < len(batches) else 0)
        for socket in sockets:
            hub.disconnect(socket)
        await self.save_positions()
        log.info("gateway_drained", sockets=len(sockets))


def _is_due(socket: Socket, now: float) -> bool:
    """Whether there may be anything to do for a socket: what is asked of all of them every second, so in few words."""
    return (
        now - socket.pinged_at >= PING_EVERY_S
        or socket.frames >= BUSY_FRAMES
        or not socket.channels
        or now - socket.heard_at > DEAD_AFTER_S
    )
