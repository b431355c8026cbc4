"""A severe allergy changes the day before the wedding: how long until the caterer has it in the product, in their Slack
and by mail, and how long until a press of *The kitchen knows* shows there.

Every wedding has a caterer of its own with a workspace and a channel, and a guest for each round. Slack and the mailbox
are the connectors' own fakes in this process, so what they took is seen within the few milliseconds of a look.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from bench.report import Budget, Figures, percentile, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, StageFailed, staged
from wedsync.connections import stage as fakes
from wedsync.connectors.slack.fake import Slack, signed
from wedsync.connectors.slack.fake_store import Channel
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.processes.drills.calls import Caller, calling, request
from wedsync.processes.drills.cast import Business, Wedding, built, businesses, each
from wedsync.processes.drills.listeners import Join, Listener, listening

WEDDINGS: Final = 10
ROUNDS: Final = 4
RUNS_MAX: Final = 12
"""Each round changes the needs of a guest that has had none; so many runs have guests of their own."""
LOOK_S: Final = 0.003
PATIENCE_S: Final = 10.0
PACE_S: Final = 0.3
ADDED: Final = b'"table":"inbox",'
SUBJECT: Final = "A severe allergy has changed"
COOKS: Final = """update links set category = 'caterer' where supplier_id = any ($1) returning id, wedding_id"""
MINDED: Final = "select count(*) from supplier_index where status = 'active'"


class Kitchen(msgspec.Struct):
    """A wedding of tomorrow with its caterer, their channel and their open page. `used`: guests that have needs."""

    wedding: Wedding
    channel: Channel
    listener: Listener
    used: int = 0

    @property
    def caterer(self) -> Business:
        return self.wedding.businesses[0]

    @property
    def buttons(self) -> list[str]:
        """Of which messages one can be pressed; what only opens a page has no value."""
        return [
            str(one["ts"])
            for one in self.channel.messages
            if any("value" in item for block in one["blocks"] for item in block.get("elements", ()))
        ]


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    slack, mailbox = Slack(), Mailbox()
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(fakes.serving([slack]))
        await mailbox.start()
        stack.push_async_callback(mailbox.stop)
        environ = {f"WEDSYNC_{name.upper()}": str(value) for name, value in slack.settings_at(at).items()}
        environ["WEDSYNC_SMTP_URL"] = mailbox.address
        stage = await stack.enter_async_context(staged("web", "gateway", "worker", environ=environ))
        caller = await stack.enter_async_context(calling(stage.settings.port, 4))
        weddings = await _cooked(stage, caller, plan)
        channels = [await _channel(stage, caller, slack, wedding) for wedding in weddings]
        joins = [
            Join(topic=f"realtime:person:{wedding.businesses[0].owner.id}", token=wedding.businesses[0].owner.token)
            for wedding in weddings
        ]
        listeners = await stack.enter_async_context(listening(stage.settings.gateway_port, joins))
        by_topic = {listener.topic: listener for listener in listeners}
        kitchens = [
            Kitchen(wedding=wedding, channel=channel, listener=by_topic[join.topic])
            for wedding, channel, join in zip(weddings, channels, joins, strict=True)
        ]
        await stage.settled()

        async def run() -> Figures:
            return await _run(stage, caller, slack, mailbox, kitchens)

        yield run


async def _cooked(stage: Stage, caller: Caller, plan: Plan) -> list[Wedding]:
    """Weddings of tomorrow, each with a caterer who is shown named needs."""
    count = plan.count(WEDDINGS, least=2)
    firms = await businesses(stage, count)
    tomorrow = date.today() + timedelta(days=1)
    weddings = await built(
        stage,
        count,
        guests_each=ROUNDS * RUNS_MAX,
        hired=lambda number: (firms[number],),
        level="standard",
        on=lambda _: tomorrow,
    )
    rows = await stage.admin.fetch(COOKS, [firm.id for firm in firms])
    links = {row["wedding_id"]: row["id"] for row in rows}

    async def show(wedding: Wedding) -> None:
        path = f"/api/v1/links/{links[wedding.id]}"
        await _asked(caller, wedding.couple.token, "PATCH", path, {"can_view_dietary": True})

    await each(show, weddings)
    await stage.settled()
    if await stage.admin.fetchval(MINDED) < count:
        raise StageFailed("the caterers' lists do not have their weddings")
    return weddings


async def _channel(stage: Stage, caller: Caller, slack: Slack, wedding: Wedding) -> Channel:
    """The caterer connects a workspace, as a person does, and has a channel made of the wedding."""
    (firm,) = wedding.businesses
    token, base = firm.owner.token, f"/api/v1/suppliers/{firm.id}"
    begun = await _asked(caller, token, "POST", f"{base}/connections/slack", {})
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(f"{begun['authorize_url']}&auto={firm.owner.email}")
    back = urlsplit(answer.headers["location"])
    await caller.call(request("GET", f"{back.path}?{back.query}", cookie=firm.owner.cookie))
    wanted = {"connection_id": begun["connection"]["id"], "wedding_id": str(wedding.id)}
    chat = await _asked(caller, token, "POST", f"{base}/chats", wanted)
    await stage.settled()
    (made,) = [one for one in (await _asked(caller, token, "GET", f"{base}/chats"))["items"] if one["id"] == chat["id"]]
    if made["state"] != "active":
        raise StageFailed(f"a channel is {made['state']}: {made}")
    return slack.workspace(firm.owner.email).named(made["name"])


async def _run(stage: Stage, caller: Caller, slack: Slack, mailbox: Mailbox, kitchens: Sequence[Kitchen]) -> Figures:
    took: dict[str, list[float]] = {"inbox": [], "slack": [], "mail": [], "all": [], "pressed": []}
    missing = 0
    for _ in range(ROUNDS):
        for kitchen in kitchens:
            found = await _changed(caller, mailbox, kitchen)
            missing += 3 - len(found)
            for way, took_ms in found.items():
                took[way].append(took_ms)
            took["all"].append(max(found.values(), default=0.0))
            pressed = await _pressed(caller, slack, kitchen)
            missing += pressed is None
            took["pressed"] += [] if pressed is None else [pressed]
            await stage.settled()
            await asyncio.sleep(PACE_S)
        stage.check()
    ways = {f"{way}_p95_ms": percentile(took[way] or [0.0], 95) for way in ("inbox", "slack", "mail")}
    return {
        **spread("all", took["all"]),
        **ways,
        "pressed_p95_ms": percentile(took["pressed"] or [0.0], 95),
        "missing": float(missing),
    }


async def _changed(caller: Caller, mailbox: Mailbox, kitchen: Kitchen) -> dict[str, float]:
    """Milliseconds from the answer to the couple to each of the caterer's ways."""
    guest = kitchen.wedding.guests[kitchen.used]
    kitchen.used += 1
    kitchen.listener.frames = []
    before, mails = len(kitchen.channel.messages), _mails(mailbox, kitchen)
    ways: dict[str, Callable[[], Any]] = {
        "inbox": lambda: any(ADDED in frame for _, frame in kitchen.listener.frames or ()),
        "slack": lambda: kitchen.buttons and len(kitchen.channel.messages) > before,
        "mail": lambda: _mails(mailbox, kitchen) > mails,
    }
    needs = {"allergens": [{"key": "peanuts", "severity": "anaphylaxis"}]}
    await _asked(caller, kitchen.wedding.couple.token, "PUT", f"/api/v1/guests/{guest}/needs", needs)
    at = time.monotonic()
    found: dict[str, float] = {}
    while len(found) < len(ways) and time.monotonic() < at + PATIENCE_S:
        for way, is_there in ways.items():
            if way not in found and is_there():
                found[way] = (time.monotonic() - at) * 1000
        await asyncio.sleep(LOOK_S)
    return found


async def _pressed(caller: Caller, slack: Slack, kitchen: Kitchen) -> float | None:
    """Milliseconds from the press of the caterer's button until the message has none; None where it stays."""
    if not kitchen.buttons:
        return None
    body = slack.pressed(kitchen.channel.id, kitchen.buttons[-1], kitchen.channel.members[0])
    headers = {"Content-Type": "application/x-www-form-urlencoded", **signed(slack.secret, body)}
    at = time.monotonic()
    answer = await caller.call(request("POST", "/hooks/slack", body=body, headers=headers))
    if not answer.is_good:
        raise StageFailed(f"a pressed button was answered {answer.status}")
    while kitchen.buttons:
        if time.monotonic() > at + PATIENCE_S:
            return None
        await asyncio.sleep(LOOK_S)
    return (time.monotonic() - at) * 1000


def _mails(mailbox: Mailbox, kitchen: Kitchen) -> int:
    return sum(1 for one in mailbox.mails if one.to == kitchen.caterer.owner.email and SUBJECT in one.subject)


async def _asked(caller: Caller, token: str, method: str, path: str, body: Any = None) -> Any:
    answer = await caller.call(request(method, path, token=token, body=body))
    if not answer.is_good:
        raise StageFailed(f"{method} {path} was answered {answer.status}: {answer.body[:300]!r}")
    return msgspec.json.decode(answer.body) if answer.body else None


SCENARIO = Scenario(
    name="allergy",
    about="a severe allergy the day before -> the caterer's inbox, Slack and mail; their press -> confirmed there",
    budgets=(Budget("all_p95_ms", 5000.0), Budget("pressed_p95_ms", 5000.0), Budget("missing", 0.0)),
    opened=opened,
    notes=(
        "from the answer to the couple, which is after the commit, to when the fakes have taken it",
        "all: the last of inbox, Slack and mail",
        "pressed: from the press of the button to the message that says who confirmed it",
    ),
)
