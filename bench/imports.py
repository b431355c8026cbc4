"""A guest list of 200 and of 10,000 rows: reading and deciding alone, and the whole of it through HTTP where served."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec

from bench.report import Budget, Figures
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, StageFailed, staged
from wedsync.guests.importing.detect import detect, to_field_map
from wedsync.guests.importing.merge import merge
from wedsync.guests.importing.plan import build_plan
from wedsync.guests.importing.sheet import read_sheet
from wedsync.guests.importing.values import Existing
from wedsync.processes.drills.calls import TIMEOUT_S, Caller, calling, request
from wedsync.processes.drills.cast import FIRST_NAMES, LAST_NAMES, Wedding, built

FEW, MANY = 200, 10_000
IMPORT_PATH = "/api/v1/weddings/{wedding_id}/guests/import"
BOUNDARY = "----wedsync-bench"
POLL_S = 0.02
HEADER = "First Name,Last Name,Party,Tags,Name on Envelope,RSVP Status,Email,Phone,Dietary Restrictions"
ANSWERS = ("Attending", "Not Attending", "")
DIETS = ("", "", "", "", "Vegetarian", "Vegan", "Peanut allergy", "Gluten free")


class State(msgspec.Struct):
    """The part of `GET /imports/{id}` that is waited for."""

    rows: int = 0
    created: int = 0
    rejected: int = 0
    status: str = ""


def guest_list(rows: int, seed: int = 7) -> bytes:
    """Made-up people in the columns of a planner's export, two to a household."""
    rng = random.Random(seed)
    lines = [HEADER]
    for number in range(rows):
        first, last = FIRST_NAMES[number % len(FIRST_NAMES)], f"{rng.choice(LAST_NAMES)}-{number // 2}"
        party = f"The {LAST_NAMES[number // 2 % len(LAST_NAMES)]} {number // 2} Family"
        email = f"guest{number}@example.com" if rng.random() < 0.7 else ""
        phone = f"+44 7700 {900000 + number % 1000}" if rng.random() < 0.5 else ""
        lines.append(f"{first},{last},{party},Day,{party},{rng.choice(ANSWERS)},{email},{phone},{rng.choice(DIETS)}")
    return "\r\n".join(lines).encode()


def decide(data: bytes) -> float:
    """Seconds to read, detect, plan and merge a file against an empty wedding. ValueError where rows are lost."""
    began = time.perf_counter()
    sheet = read_sheet(data, "guests.csv")
    plan = build_plan(sheet, to_field_map(detect(sheet, country="GB")), country="GB")
    merged = merge(plan, Existing())
    seconds = time.perf_counter() - began
    if merged.result.rejected or merged.result.created != len(sheet.rows):
        raise ValueError(f"of {len(sheet.rows)} rows {merged.result.created} would be made")
    return seconds


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    lists = {FEW: guest_list(plan.count(FEW)), MANY: guest_list(plan.count(MANY))}
    async with staged("web", "worker") as stage, calling(stage.settings.port, 2) as caller:
        paths = msgspec.json.decode((await caller.call(request("GET", "/openapi.json"))).body)["paths"]
        is_served = IMPORT_PATH in paths

        async def run() -> Figures:
            # In a thread, as the worker does it, or nothing else of ours would run meanwhile.
            figures = {f"decide_{rows}_s": await asyncio.to_thread(decide, data) for rows, data in lists.items()}
            if is_served:
                few, many = await built(stage, 2)
                await stage.settled()
                figures[f"import_{FEW}_s"] = await _import(stage, caller, few, lists[FEW])
                figures[f"import_{MANY}_s"] = await _import(stage, caller, many, lists[MANY])
            return figures

        yield run


async def _import(stage: Stage, caller: Caller, wedding: Wedding, data: bytes) -> float:
    """Seconds from sending the file until the import says that it is finished; StageFailed where it is not whole."""
    token, began = wedding.couple.token, time.perf_counter()
    path = IMPORT_PATH.format(wedding_id=wedding.id)
    sent = request(
        "POST",
        path,
        token=token,
        body=_form(data),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    answer = await caller.call(sent)
    if answer.status != 202:
        raise StageFailed(f"The import was answered {answer.status}: {answer.body[:500].decode(errors='replace')}")
    number = UUID(msgspec.json.decode(answer.body)["import_id"])
    state = State()
    while state.status in ("", "pending", "running"):
        if time.perf_counter() - began > 6 * TIMEOUT_S:
            raise StageFailed(f"The import did not finish: {state}")
        await asyncio.sleep(POLL_S)
        answer = await caller.call(request("GET", f"/api/v1/imports/{number}", token=token))
        state = msgspec.json.decode(answer.body, type=State)
    seconds = time.perf_counter() - began
    stage.check()
    if state.status != "finished" or state.rejected or state.created != state.rows:
        raise StageFailed(f"The import lost rows: {state}")
    return seconds


def _form(data: bytes) -> bytes:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="guests.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


SCENARIO = Scenario(
    name="imports",
    about="a guest list of 200 and of 10,000 rows",
    budgets=(Budget(f"import_{FEW}_s", 0.5), Budget(f"import_{MANY}_s", 3.0)),
    opened=opened,
    notes=(
        "decide: read, detect, plan and merge in one process",
        "import: from the POST of the file until it is finished, worker and events included",
    ),
)
