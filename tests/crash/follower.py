"""A subscriber that resumes from the last event it has, for ever; writes down what came and how long it was away."""

from collections import Counter
from contextlib import suppress
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.eventually import eventually
from tests.gateway_world import Client
from wedsync.kit import clock

PATIENCE_S = 180.0


class Follower:
    """A socket made by hand that resumes from the last event it has, for ever."""

    def __init__(self, gateway: str, token: str, wedding: str, position: str) -> None:
        self.address = f"{gateway}/realtime/v1/websocket?apikey={token}&vsn=2.0.0&client_id={uuid4()}"
        self.topic = f"realtime:wedding:{wedding}"
        self.position = position
        self.got: Counter[int] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.closes: Counter[int | None] = Counter()
        self.gaps_s: list[float] = []
        """From the loss of a socket to the verdict of the next."""
        self._lost_at: float | None = None

    async def run(self) -> None:
        while True:
            socket = await eventually(self._connect, within_s=PATIENCE_S, what="a socket")
            with suppress(ConnectionClosed):
                await self._listen(Client(socket, "2.0.0"))
            self.closes[socket.close_code] += 1
            self._lost_at = self._lost_at or clock.monotonic()

    async def _connect(self) -> ClientConnection | None:
        try:
            return await connect(self.address, max_size=2**21, ping_interval=None, compression=None)
        except (OSError, InvalidHandshake, EOFError):
            return None

    async def _listen(self, client: Client) -> None:
        reference = await client.send(
            self.topic, "phx_join", {"config": {"broadcast": {"recover": self.position}}}, ref="1", join_ref="1"
        )
        client.join_refs[self.topic] = reference
        while True:
            try:
                _, _, _, event, payload = await client.read()
            except TimeoutError:
                await client.send("phoenix", "heartbeat", {}, join_ref=None)
                continue
            # A channel that fails is joined anew; for one topic a new socket is the same.
            if event in ("phx_error", "phx_close") or (event == "phx_reply" and payload["status"] == "error"):
                await client.socket.close()
            elif event == "broadcast" and payload["event"] == "wedsync:recovery":
                self.verdicts[payload["payload"]["status"]] += 1
                if self._lost_at is not None:
                    self.gaps_s.append(clock.monotonic() - self._lost_at)
                    self._lost_at = None
            elif event == "broadcast" and "id" in payload.get("meta", {}):
                epoch, seq, _ = payload["meta"]["id"].split(":")
                self.got[int(seq)] += 1
                self.position = f"{epoch}:{max(int(seq), int(self.position.split(':')[1]))}"
