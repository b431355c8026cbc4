"""`wedsync listen`: everything that an endpoint would be sent, live, to a program on one's own machine.

It asks WedSync for what happened after its positions, which it holds itself: an outage of either side only makes it
late, and nothing of it is left on the server when it ends.
"""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import msgspec

from wedsync.connections import signatures
from wedsync.kit import clock
from wedsync.processes import forwarding, remote
from wedsync.processes.failures import CannotRun

WAIT_S: Final = 5.0
PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
PATHS: Final = {"wedding": "weddings", "supplier": "suppliers"}
#: Of one question; whoever asks for more hears everything.
PATTERNS_MAX: Final = 50


class Place(msgspec.Struct, frozen=True):
    """Whose events: a wedding's or a business's."""

    kind: str
    id: str
    name: str

    @property
    def path(self) -> str:
        return f"/api/v1/{PATHS[self.kind]}/{self.id}/listen"


class Listener:
    """One listener: where it stands, and how many it has handed on."""

    def __init__(self, api: remote.Api, *, url: str, secret: str, patterns: Sequence[str]) -> None:
        self._api = api
        self._url = url
        self._secret = secret
        self._patterns = list(patterns)
        self._after: dict[str, str] | None = None
        self._previous: dict[str, int] = {}
        self.forwarded = 0
        self.failed = 0

    async def begin(self, place: Place) -> None:
        """From now on. Raises CannotRun."""
        self._after = (await self._api.ask("POST", place.path, {"events": self._patterns}))["after"]

    async def listen(self, place: Place) -> None:
        """For ever; raises CannotRun for what waiting does not mend."""
        failures = 0
        while True:
            asked = {"events": self._patterns, "after": self._after, "wait_s": WAIT_S}
            try:
                heard = await self._api.ask("POST", place.path, asked)
            except remote.Away as away:
                if not failures:
                    _say(f"{away} Trying again; nothing is missed.")
                await asyncio.sleep(PAUSES_S[min(failures, len(PAUSES_S) - 1)])
                failures += 1
                continue
            except remote.Refused as refused:
                if refused.code != "epoch_changed":
                    raise
                _say("WedSync was restored from a copy. Listening from now on.")
                await self.begin(place)
                continue
            if failures:
                _say("WedSync answers again.")
                failures = 0
            for event in heard["items"]:
                await self._forward(event)
            self._after = heard["after"]

    async def _forward(self, event: Mapping[str, Any]) -> None:
        stream = event["stream"]
        exchange = await forwarding.forward(
            self._api.wire, self._url, event, previous_seq=self._previous.get(stream), secrets=[self._secret]
        )
        self._previous[stream] = event["seq"]
        self.forwarded += 1
        self.failed += not forwarding.is_taken(exchange)
        _say(f"{event['type']}  {stream} {event['seq']}  -> {forwarding.told(exchange)}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Whose events, and which: one of the ids, or none where a person has only one place."""

    wedding: str = ""
    supplier: str = ""
    endpoint: str = ""
    events: Sequence[str] = ()


async def run(*, forward: str, asked: Mapping[str, Any], secret: str, url: str, token: str) -> int:
    """Listen until Ctrl-C, which is its good end; `asked` has the fields of Asked. Raises CannotRun in words."""
    target = forwarding.checked(forward)
    secret = forwarding.checked_secret(secret) if secret else signatures.new_secret()
    async with remote.opened(url, token) as api:
        place, patterns = await wanted(api, Asked(**asked))
        listener = Listener(api, url=target, secret=secret, patterns=patterns)
        await listener.begin(place)
        sys.stdout.write(
            f"Listening to {place.name}: {', '.join(patterns)}\n"
            f"Forwarding to {target}\nSigned with  {secret}\nCtrl-C ends it.\n\n"
        )
        sys.stdout.flush()
        await _until_asked(listener.listen(place))
    sys.stdout.write(f"\nEnded: {listener.forwarded} forwarded, {listener.failed or 'none'} of them refused.\n")
    return 0


async def _until_asked(listening: Any) -> None:
    """Until SIGINT or SIGTERM, or until it fails."""
    task = asyncio.ensure_future(listening)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


async def _heard_by(api: remote.Api, place: Place, endpoint: Mapping[str, Any]) -> list[str]:
    """The types of an endpoint's own list, which may be empty, and of its rules, without their conditions."""
    rules = (await api.ask("GET", f"/api/v1/{PATHS[place.kind]}/{place.id}/rules"))["items"]
    mine = [rule for rule in rules if rule["endpoint_id"] == endpoint["id"] and rule["is_active"]]
    types = list(dict.fromkeys([*endpoint["events"], *(one for rule in mine for one in rule["types"])]))
    if not types:
        raise CannotRun("This endpoint has no list of its own and no rule that is switched on. Say --events.")
    return ["*"] if "*" in types or len(types) > PATTERNS_MAX else types


async def wanted(api: remote.Api, asked: Asked) -> tuple[Place, list[str]]:
    """As named, as an endpoint is set, or everything of the only place this person has."""
    if sum(map(bool, (asked.wedding, asked.supplier, asked.endpoint))) > 1:
        raise CannotRun("Name one of --wedding, --supplier and --endpoint.")
    places = [Place(kind=p["kind"], id=p["id"], name=p["name"]) for p in (await api.ask("GET", "/api/v1/me"))["places"]]
    patterns = list(asked.events)
    if asked.endpoint:
        found = await api.ask("GET", f"/api/v1/endpoints/{remote.id_of(asked.endpoint)}")
        place = _named(places, found["tenant_id"])
        return place, patterns or await _heard_by(api, place, found)
    if asked.wedding or asked.supplier:
        return _named(places, str(remote.id_of(asked.wedding or asked.supplier))), patterns or ["*"]
    if len(places) == 1:
        return places[0], patterns or ["*"]
    raise CannotRun(f"Whose events? {_choices(places)}")


def _named(places: Sequence[Place], id: str) -> Place:
    for place in places:
        if UUID(place.id) == UUID(id):
            return place
    raise CannotRun(f"You are no part of {id}. {_choices(places)}")


def _choices(places: Sequence[Place]) -> str:
    if not places:
        return "This person is part of no wedding and no business."
    return "Say one of:\n" + "\n".join(f"  --{place.kind} {place.id}  {place.name}" for place in places)


def _say(text: str) -> None:
    sys.stdout.write(f"{clock.machine_now().astimezone():%H:%M:%S}  {text}\n")
    sys.stdout.flush()
