"""A client list of 200 and of 10,000 rows, as a CRM exports it: reading alone, and the whole of it through HTTP."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta

import msgspec

from bench.report import Budget, Figures
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, StageFailed, staged
from wedsync.clients.importing.merge import merge
from wedsync.clients.importing.plan import read
from wedsync.clients.importing.values import Choices
from wedsync.processes.drills.calls import Caller, calling, request
from wedsync.processes.drills.cast import FIRST_NAMES, LAST_NAMES, Business, businesses

FEW, MANY = 200, 10_000
IMPORT_PATH = "/api/v1/suppliers/{supplier_id}/clients/import?filename=clients.csv"
HEADER = "Job ID,Client,Partner,Email,Partner Email,Phone,Wedding Date,Venue,Package,Status,Notes"
FIRST_DAY = date(2027, 1, 2)
STATUSES = ("Booked", "Lead", "Completed", "Fulfillment")
VENUES = ("Quinta da Serra", "The Orangery", "Old Mill", "Harbour Hall")
ZONE_COUNTRY = "GB"


class State(msgspec.Struct):
    """The part of an import's answer that is looked at."""

    rows: int = 0
    created: int = 0
    skipped: int = 0
    rejected: int = 0
    status: str = ""


def client_list(rows: int, seed: int = 7) -> bytes:
    """Made-up couples in the columns of a CRM's export."""
    rng = random.Random(seed)
    lines = [HEADER]
    for number in range(rows):
        one = f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {rng.choice(LAST_NAMES)}-{number}"
        other = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}-{number}"
        partner_email = f"partner{number}@example.com" if rng.random() < 0.5 else ""
        on = FIRST_DAY + timedelta(days=number % 700)
        cells = (
            *(f"job-{number:06d}", one, other, f"client{number}@example.com", partner_email),
            *(f"+44 7700 {900000 + number % 1000}", on.isoformat(), rng.choice(VENUES), "Full day"),
            *(STATUSES[number % len(STATUSES)], "Met at the fair."),
        )
        lines.append(",".join(cells))
    return "\r\n".join(lines).encode()


def decide(data: bytes) -> float:
    """Seconds to read, map and merge a list against no clients. ValueError where rows are lost."""
    began = time.perf_counter()
    plan = read(data, "clients.csv", Choices(), ZONE_COUNTRY).plan
    merged = merge(plan, [], Choices())
    seconds = time.perf_counter() - began
    if merged.created != plan.rows:
        raise ValueError(f"of {plan.rows} rows {merged.created} would be made")
    return seconds


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    lists = {FEW: client_list(plan.count(FEW)), MANY: client_list(plan.count(MANY))}
    async with staged("web") as stage, calling(stage.settings.port, 2) as caller:

        async def run() -> Figures:
            figures = {f"decide_{rows}_s": await asyncio.to_thread(decide, data) for rows, data in lists.items()}
            for (rows, data), business in zip(lists.items(), await businesses(stage, len(lists)), strict=True):
                await stage.forget_jobs()
                figures[f"import_{rows}_s"] = await _import(stage, caller, business, data)
                figures[f"again_{rows}_s"] = await _import(stage, caller, business, data, is_known=True)
            return figures

        yield run


async def _import(stage: Stage, caller: Caller, business: Business, data: bytes, *, is_known: bool = False) -> float:
    """Seconds from sending the list until it is answered, which it is once it is committed."""
    headers = {"Content-Type": "application/octet-stream"}
    path = IMPORT_PATH.format(supplier_id=business.id)
    began = time.perf_counter()
    answer = await caller.call(request("POST", path, token=business.owner.token, body=data, headers=headers))
    seconds = time.perf_counter() - began
    stage.check()
    if answer.status != 201:
        raise StageFailed(f"The import was answered {answer.status}: {answer.body[:500].decode(errors='replace')}")
    state = msgspec.json.decode(answer.body, type=State)
    if state.rows != (state.skipped if is_known else state.created):
        raise StageFailed(f"The import lost rows: {state}")
    return seconds


SCENARIO = Scenario(
    name="clients",
    about="a client list of 200 and of 10,000 rows",
    budgets=(Budget(f"import_{FEW}_s", 0.5),),
    opened=opened,
    notes=(
        "decide: read, map and merge in one process",
        "import: from the POST of the list to its answer, which says that it is committed with its events",
        "again: the same list once more, which changes nothing",
    ),
)
