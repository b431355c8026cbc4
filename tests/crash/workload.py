"""Everything the product does, at once, for one wedding: what was sent, what came of it, and what that must be.

The producer writes down what it was answered, the receivers what they got; the ledger is asked only for what neither
can know. Whoever asks goes on until there is an answer, as a client does that is told 503 or nothing at all.
"""

import asyncio
import hashlib
import hmac
import itertools
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import standardwebhooks

from tests.contracts.guest_house import GuestHouse
from tests.crash.follower import Follower
from tests.crash.receiver import Receiver
from tests.crash.scene import ATTEMPTS_THAT_MOVED
from tests.crash.stage import Stage
from tests.eventually import eventually
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.kit import clock
from wedsync.people.actions import digest
from wedsync.web import auth

ANSWERS, HOOKS, TASKS, IMPORTED = 6, 3, 2, 8
PATIENCE_S = 60.0
STUCK_S = 0.7
TYPES = ["rsvp.replied", "task.added", "import.finished"]
JOBS = "select count(*) from jobs where run_at < 'infinity' or lease_token is not null"
LOG = "select id, seq, type, bulk from events where stream_id = $1 order by seq"
TRIES = """select d.destination_id as endpoint, d.event_id, count(*) filter (where a.is_late)::integer as late,
    count(*) filter (where not a.is_late and a.started_at <= to_timestamp($2))::integer as kept
    from attempts a join deliveries d on d.id = a.delivery_id where d.destination_id = any ($1) group by 1, 2"""
HOOK_ROWS = "select dedupe_key as key, status, count(*) from inbox_hooks where tenant_id = $1 group by 1, 2"


class Judged(msgspec.Struct, kw_only=True):
    """The numbers of one run: what its table shows."""

    owed: int
    lost: int
    repeats: int
    bound: int
    disordered: int
    made_up: int
    unmoved: int
    hooks: int
    twice: int
    missed: int
    unanswered: int

    def is_kept(self) -> bool:
        """Whether every promise is."""
        wrong = (self.lost, self.disordered, self.made_up, self.unmoved, self.twice, self.missed)
        return not any(wrong) and self.repeats <= self.bound and self.hooks == HOOKS


class Workload:
    """One wedding, its two endpoints and a third that is deleted, a socket, a sender of hooks and a mailbox."""

    def __init__(self, stage: Stage, house: GuestHouse, receiver: Receiver, mailbox: Mailbox) -> None:
        self.stage, self.house, self.receiver, self.mailbox = stage, house, receiver, mailbox
        self.mark = secrets.token_hex(4)
        self.secrets: dict[str, str] = {}
        self.paths: dict[str, str] = {}
        self.ids: dict[str, UUID] = {}
        self.guests: list[UUID] = []
        self.answered: list[tuple[str, int]] = []
        self.refused: set[str] = set()
        self.hooks: list[str] = []
        self.unanswered = 0
        self.http: httpx.AsyncClient
        self.follower: Follower
        self._following: asyncio.Task[None]

    async def lay(self) -> None:
        """Guests, endpoints and a socket that has joined."""
        names = [f"Guest No{number}" for number in range(ANSWERS + HOOKS + 1)]
        _, self.guests = await self.house.party(*names)
        ana = self.house.wedding.ana
        session = await self.stage.admin.fetchval("select app.issue_session($1, $2, 1)", ana.id, digest(self.mark))
        token = auth.mint(self.stage.settings.jwt_secret, person=ana.id, session=session, seconds=3600)
        self.http = httpx.AsyncClient(
            base_url=self.stage.web, headers={"authorization": f"Bearer {token}"}, timeout=httpx.Timeout(5)
        )
        for name in ("parallel", "ordered", "off"):
            made = await self._insist(lambda n=name: self._add_endpoint(n), 201)
            self.secrets[name], self.ids[name] = made.json()["secret"], UUID(made.json()["id"])
        self.follower = Follower(self.stage.gateway, token, str(self.house.id), "1:0")
        self._following = asyncio.create_task(self.follower.run())
        await eventually(self.follower.verdicts.total, within_s=60, what="the socket has joined")

    async def _add_endpoint(self, name: str) -> httpx.Response:
        """At a path of this try's own: one whose answer was lost is there too, and has another secret."""
        self.paths[name] = f"/{self.mark}/{name}-{secrets.token_hex(3)}"
        mode = "ordered" if name == "ordered" else "parallel"
        body = {"url": self.receiver.url + self.paths[name], "events": TYPES, "mode": mode}
        return await self.http.post(f"/api/v1/weddings/{self.house.id}/endpoints", json=body)

    async def close(self) -> None:
        self._following.cancel()
        await asyncio.wait({self._following})
        await self.http.aclose()

    async def run(self) -> None:
        """Everything, until all of it was answered."""
        await asyncio.gather(
            self._answer(range(ANSWERS)), self._send_hooks(), self._add_tasks(), self._import(), self._ask_to_sign_in()
        )
        await self._insist(lambda: self.http.delete(f"/api/v1/endpoints/{self.ids['off']}"), 204, 404)
        await self._answer([ANSWERS + HOOKS])

    async def _insist(self, ask: Callable[[], Awaitable[httpx.Response]], *codes: int) -> httpx.Response:
        """Ask until there is an answer that says something."""

        async def asked() -> httpx.Response | None:
            try:
                answer = await ask()
            except httpx.TransportError:
                self.unanswered += 1
                return None
            is_passing = answer.status_code >= 500 or "request_under_way" in answer.text
            self.unanswered += answer.status_code >= 500
            assert is_passing or answer.status_code in codes, answer.text
            return None if is_passing else answer

        return await eventually(asked, within_s=PATIENCE_S, what="an answer")

    async def _answer(self, which: Any) -> None:
        for number in which:
            path = f"/api/v1/guests/{self.guests[number]}/rsvps/{self.house.ceremony}"
            said = await self._insist(lambda p=path: self.http.put(p, json={"status": "accepted"}), 200)
            self.answered.append((said.json()["id"], said.json()["version"]))

    async def answer_again(self) -> None:
        """One change more, for whoever waits for one."""
        await self._answer([0])

    async def _send_hooks(self) -> None:
        for number in range(HOOKS):
            key = f"{self.mark}-{number}"
            data = {
                "guest_id": str(self.guests[ANSWERS + number]),
                "schedule_item_id": str(self.house.ceremony),
                "status": "declined",
            }
            body = msgspec.json.encode(
                {
                    "id": key,
                    "type": "rsvp.replied",
                    "couple_id": str(self.house.id),
                    "occurred_at": "2026-11-21T10:00:00Z",
                    "data": data,
                }
            )
            digested = hmac.new(self.stage.settings.couples_webhook_secret.encode(), body, hashlib.sha256).hexdigest()
            headers = {"content-type": "application/json", "x-wedsync-signature": f"sha256={digested}"}

            async def send(body: bytes = body, headers: dict[str, str] = headers) -> httpx.Response:
                return await self.http.post("/api/webhooks/couples", content=body, headers=headers)

            await self._insist(send, 200, 202)
            self.hooks.append(key)

    async def _add_tasks(self) -> None:
        for number in range(TASKS):
            headers = {"idempotency-key": str(uuid4())}
            body, path = {"title": f"Task {number}"}, f"/api/v1/weddings/{self.house.id}/tasks"

            async def add(body: Any = body, path: str = path, headers: Any = headers) -> httpx.Response:
                return await self.http.post(path, json=body, headers=headers)

            # 409: it is done, and its answer is lost for good.
            await self._insist(add, 201, 409)

    async def _import(self) -> None:
        rows = [f"Imported,Person{number},i{number}.{self.mark}@example.com" for number in range(IMPORTED)]
        files = {"file": ("guests.csv", "\n".join(["First name,Last name,Email", *rows]).encode())}
        headers = {"idempotency-key": str(uuid4())}
        path = f"/api/v1/weddings/{self.house.id}/guests/import"
        await self._insist(lambda: self.http.post(path, files=files, headers=headers), 202, 409)

    async def _ask_to_sign_in(self) -> None:
        email = f"crash.{self.mark}@example.test"
        async with httpx.AsyncClient(base_url=self.stage.web, timeout=5) as http:
            await self._insist(lambda: http.post("/auth/sign-in", json={"email": email}), 202)

    async def recovers(self) -> None:
        """Until nothing is owed. Where nothing moved for a while, a minute goes by."""
        left, since = -1, clock.monotonic()

        async def is_quiet() -> bool:
            nonlocal left, since
            now: int = await self.stage.admin.fetchval(JOBS)
            if now != left:
                left, since = now, clock.monotonic()
            elif clock.monotonic() - since > STUCK_S:
                await self.stage.a_minute_goes_by()
                since = clock.monotonic()
            return now == 0

        await eventually(is_quiet, within_s=PATIENCE_S, what="every job is done")

    async def judged(self, *, bound: int, crashed_at: float = 0.0) -> Judged:
        """What the records say; more repeats than `bound`, or than had come unrecorded, no crash explains."""
        bound = max(bound, await self._unrecorded(crashed_at))
        log = await self.stage.admin.fetch(LOG, self.house.id)
        assert [row["seq"] for row in log] == list(range(1, len(log) + 1)), "the log has no hole"
        seqs = {str(row["id"]): row["seq"] for row in log}
        owed = [str(row["id"]) for row in log if row["type"] in TYPES and not row["bulk"]]
        by_path = {name: self._came(name) for name in ("parallel", "ordered", "off")}
        firsts = [list(dict.fromkeys(came)) for came in by_path.values()]
        missing = [len(set(owed) - set(by_path[name])) for name in ("parallel", "ordered")]
        in_order = [seqs.get(one, 0) for one in firsts[1]]
        await eventually(self._has_everything, within_s=PATIENCE_S, what="the socket has every event")
        return Judged(
            owed=2 * len(owed),
            lost=sum(missing) + self._lost_answers(),
            repeats=sum(len(came) - len(set(came)) for came in by_path.values()),
            bound=bound,
            disordered=sum(1 for a, b in itertools.pairwise(in_order) if a > b),
            made_up=sum(1 for came in by_path.values() for one in came if one not in owed) + self._after_the_end(seqs),
            unmoved=sum(
                [
                    len(await self.stage.admin.fetch(ATTEMPTS_THAT_MOVED, self.ids[name]))
                    for name in ("parallel", "ordered")
                ]
            ),
            hooks=await self._hooks_kept(),
            twice=await self._done_twice(log),
            missed=len(set(seqs.values()) - set(self.follower.got)),
            unanswered=self.unanswered,
        )

    async def _unrecorded(self, crashed_at: float) -> int:
        """What had come when the process crashed and nobody recorded, or whoever had lost its lease recorded too late.

        Its successor may have begun before anybody could count what it held.
        """
        names = {self.ids[name]: name for name in ("parallel", "ordered", "off")}
        rows = await self.stage.admin.fetch(TRIES, list(names), crashed_at)
        kept = {(names[row["endpoint"]], str(row["event_id"])): row["kept"] for row in rows}
        had_come = Counter(
            (name, one.webhook_id)
            for name in names.values()
            for one in self.receiver.requests
            if one.path == self.paths[name] and one.at <= crashed_at
        )
        return sum(row["late"] for row in rows) + sum(max(0, n - kept.get(key, 0)) for key, n in had_come.items())

    def _came(self, name: str) -> list[str]:
        """The ids that came to one endpoint, in their order; each signed, by a library that is not ours."""
        verifier = standardwebhooks.Webhook(self.secrets[name])
        came = [one for one in self.receiver.requests if one.path == self.paths[name]]
        for one in came:
            headers = {
                "webhook-id": one.webhook_id,
                "webhook-timestamp": one.timestamp,
                "webhook-signature": one.signature,
            }
            verifier.verify(one.body, headers)
        return [one.webhook_id for one in came]

    def _told(self) -> list[dict[str, Any]]:
        path = self.paths["ordered"]
        return [msgspec.json.decode(one.body) for one in self.receiver.requests if one.path == path]

    def _lost_answers(self) -> int:
        """Answers that were taken with 200 and of which no receiver heard, and sign-in links that were not mailed."""
        heard = {_row(t) for t in self._told() if _is_reply(t)}
        mails = [m for m in self.mailbox.mails if m.to.startswith(f"crash.{self.mark}@")]
        return len(set(self.answered) - heard) + (0 if mails else 1)

    def _after_the_end(self, seqs: dict[str, int]) -> int:
        """What came to the deleted endpoint of what was committed after that was answered."""
        last = self.answered[-1]
        told = [t for t in self._told() if _is_reply(t)]
        ids = {t["data"]["id"] for t in told if _row(t) == last}
        return sum(1 for one in self._came("off") if one in ids)

    async def _has_everything(self) -> bool:
        top: int = await self.stage.admin.fetchval(
            "select coalesce(max(seq), 0) from events where stream_id = $1", self.house.id
        )
        return all(seq in self.follower.got for seq in range(1, top + 1))

    async def _hooks_kept(self) -> int:
        """Hooks that were answered with 2xx and are kept once and applied."""
        rows = await self.stage.admin.fetch(HOOK_ROWS, self.house.id)
        kept = {row["key"]: (row["status"], row["count"]) for row in rows}
        return sum(1 for key in self.hooks if kept.get(key) == ("applied", 1))

    async def _done_twice(self, log: list[Any]) -> int:
        """Whatever should be there once and is not: tasks, guests of the list, its summary, applied hooks."""
        count = self.stage.admin.fetchval
        tasks = await count("select count(*) from tasks where wedding_id = $1 and title like 'Task _'", self.house.id)
        guests = await count(
            "select count(*) from guests where wedding_id = $1 and first_name = 'Imported'", self.house.id
        )
        types = Counter(row["type"] for row in log)
        hooked = self.guests[ANSWERS : ANSWERS + HOOKS]
        applied = await count(
            "select count(*) from events e where e.stream_id = $1 and e.type = 'rsvp.replied'"
            " and (e.record->>'guest_id')::uuid = any($2)",
            *(self.house.id, hooked),
        )
        wanted = {"tasks": (tasks, TASKS), "guests": (guests, IMPORTED), "hooks": (applied, HOOKS)}
        wanted["imports"] = types["import.finished"], 1
        wrong = {name: pair for name, pair in wanted.items() if pair[0] != pair[1]}
        if wrong:
            print(f"\nthere, and wanted: {wrong}")
        return len(wrong)


def _row(told: dict[str, Any]) -> tuple[str, int]:
    return told["data"]["record"]["id"], told["data"]["record"]["version"]


def _is_reply(told: dict[str, Any]) -> bool:
    return bool(told["type"] == "rsvp.replied")
