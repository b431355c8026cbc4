"""`wedsync trigger`: a made-up event of one type, sent by WedSync to an endpoint, or from here to a local program."""

import asyncio
import difflib
import sys
from typing import Any, Final
from uuid import uuid4

from wedsync.events import example
from wedsync.kit import clock
from wedsync.kit.http import Wire
from wedsync.processes import forwarding, registry, remote
from wedsync.processes.failures import CannotRun
from wedsync.subscriptions import wording

LOOK_S: Final = 0.5
PATIENCE_S: Final = 30.0
UNDERWAY: Final = frozenset({"pending", "in_flight", "deferred"})
TAKEN: Final = 0
NOT_TAKEN: Final = 1


async def run(*, name: str, endpoint: str, forward: str, secret: str, url: str, token: str) -> int:
    """Prints what came of it; 1 where it was not taken. Raises CannotRun in words."""
    if bool(endpoint) == bool(forward):
        raise CannotRun("Name an endpoint of yours with --endpoint, or a program of yours with --forward.")
    if forward:
        return await _from_here(name, forward, secret)
    async with remote.opened(url, token) as api:
        made = await api.ask("POST", f"/api/v1/endpoints/{remote.id_of(endpoint)}/test", {"type": name})
        return _told(await _outcome(api, made["id"]))


async def _from_here(name: str, forward: str, secret: str) -> int:
    kinds = registry.catalogue().types
    if name not in kinds:
        near = difflib.get_close_matches(name, kinds, n=1, cutoff=0.4)
        raise CannotRun(f"{name} is not a type of event. Did you mean {near[0] if near else 'rsvp.replied'}?")
    target = forwarding.checked(forward)
    if not secret:
        raise CannotRun("Give the secret that your program verifies with: --secret, or WEBHOOK_SECRET.")
    secrets = [forwarding.checked_secret(secret)]
    event = example.live(kinds[name], id=uuid4(), at=clock.machine_now())
    wire = Wire()
    try:
        exchange = await forwarding.forward(wire, target, event, previous_seq=None, secrets=secrets)
    finally:
        await wire.close()
    sys.stdout.write(f"{name} -> {forwarding.told(exchange)}\n")
    return TAKEN if forwarding.is_taken(exchange) else NOT_TAKEN


async def _outcome(api: remote.Api, delivery: str) -> dict[str, Any]:
    """The delivery with its tries, when it has ended or patience has."""
    until = clock.monotonic() + PATIENCE_S
    while True:
        found = await api.ask("GET", f"/api/v1/deliveries/{delivery}")
        if found["delivery"]["state"] not in UNDERWAY or clock.monotonic() >= until:
            return found
        await asyncio.sleep(LOOK_S)


def _told(found: dict[str, Any]) -> int:
    delivery, attempts = found["delivery"], found["attempts"]
    if delivery["state"] in UNDERWAY:
        sys.stdout.write(f"Still on its way after {PATIENCE_S:g} s. The endpoint's page tells what comes of it.\n")
        return NOT_TAKEN
    if delivery["state"] == "delivered":
        last = attempts[-1]
        sys.stdout.write(f"{delivery['type']} -> {last['status']} in {last['total_ms']:.0f} ms\n")
        return TAKEN
    last = attempts[-1] if attempts else {"status": None, "detail": delivery["reason"]}
    advice = wording.advice(status=last["status"], detail=last["detail"], is_once=True)
    sys.stdout.write(f"{delivery['type']} -> {delivery['reason']} {advice}\n")
    return NOT_TAKEN
