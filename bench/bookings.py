"""A million bookings of five thousand suppliers: how long the conflict check of one change takes.

The check is `app.clashes` over the stretch of time of a booking, as the reaction to a change calls it, asked for from
outside of the database. Of each supplier's bookings some are for weddings of ours, with a link, a date and a ceremony
to be compared with, and one in ten lies over a busy time of another calendar.
"""

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.report import Budget, Figures, spread
from bench.rounds import Plan, Run, Scenario
from bench.stage import Stage, staged

SUPPLIERS = 5_000
BOOKINGS_EACH = 200
LINKS_EACH = 4
CHECKS = 4_000
WARM = 200
_FIRST = "app.now()::date + 30"
# Ids are made from numbers, so that what belongs together is found without reading it back.
_ID = "('00000000-0000-7000-{kind}-' || lpad(to_hex({number}), 12, '0'))::uuid"
_SUPPLIER, _RESOURCE = _ID.format(kind="9001", number="s"), _ID.format(kind="9002", number="s * 2 + n % 2")
_WEDDING, _LINK = _ID.format(kind="9003", number="s * 4 + n"), _ID.format(kind="9004", number="s * 4 + n")
_SOURCE = _ID.format(kind="9005", number="s")

FILL = (
    f"insert into streams (id, kind) select {_SUPPLIER}, 'supplier' from generate_series(1, $1::int) s",
    f"""insert into suppliers (supplier_id, name, category) select {_SUPPLIER}, 'Supplier ' || s, 'photographer'
    from generate_series(1, $1::int) s""",
    f"""insert into resources (id, supplier_id, name, is_default) select {_RESOURCE}, {_SUPPLIER}, 'Us ' || n, n = 0
    from generate_series(1, $1::int) s, generate_series(0, 1) n""",
    f"""insert into weddings (wedding_id, couple_names, "on", date_status, ceremony_at)
    select {_WEDDING}, 'A & B', {_FIRST} + n * 10, 'confirmed', '14:00'
    from generate_series(1, $1::int) s, generate_series(0, {LINKS_EACH - 1}) n""",
    f"""insert into links (id, wedding_id, supplier_id, supplier_name, category, status, scopes)
    select {_LINK}, {_WEDDING}, {_SUPPLIER}, 'Supplier', 'photographer', 'active', 14
    from generate_series(1, $1::int) s, generate_series(0, {LINKS_EACH - 1}) n""",
    f"""insert into schedule_items (wedding_id, kind, title, "on", at_local, zone, minutes)
    select {_WEDDING}, 'ceremony', 'Ceremony', {_FIRST} + n * 10, '14:00', 'Europe/London', 45
    from generate_series(1, $1::int) s, generate_series(0, {LINKS_EACH - 1}) n""",
    f"""insert into bookings (supplier_id, resource_id, category, state, "on", at_local, zone, minutes, before_minutes,
      after_minutes, wedding_id, link_id)
    select {_SUPPLIER}, {_RESOURCE}, case when w.is_ours then 'wedding' else 'client' end,
      case when n % 7 = 3 then 'cancelled' else 'booked' end, {_FIRST} + n * 5, '12:00', 'Europe/London', 600, 60, 60,
      case when w.is_ours then w.wedding end, case when w.is_ours then w.link end
    from generate_series(1, $1::int) s, generate_series(0, {BOOKINGS_EACH - 1}) n
    cross join lateral (select n % 2 = 0 and n / 2 < {LINKS_EACH} as is_ours,
      {_WEDDING.replace("+ n", "+ n / 2")} as wedding, {_LINK.replace("+ n", "+ n / 2")} as link) w""",
    f"""insert into busy_sources (id, supplier_id, source, refreshed_at)
    select {_SOURCE}, {_SUPPLIER}, 'elsewhere', app.now()
    from generate_series(1, $1::int) s""",
    f"""insert into busy_times (supplier_id, source_id, external_id, resource_id, during)
    select {_SUPPLIER}, {_SOURCE}, 'e' || n, {_RESOURCE},
      tstzrange(({_FIRST} + n * 5) + time '20:00', ({_FIRST} + n * 5) + time '23:00')
    from generate_series(1, $1::int) s, generate_series(0, {BOOKINGS_EACH - 1}, 10) n""",
    "analyze",
)
CHECK = "select count(*) from app.clashes($1, $2)"
SOME = f"""select b.supplier_id, b.blocked from generate_series(1, $1::int) i
    cross join lateral (select b.supplier_id, b.blocked from bookings b
      where b.supplier_id = (select {_SUPPLIER} from (select 1 + i * 7919 % $2::int as s) x)
      order by b.id offset i % {BOOKINGS_EACH} limit 1) b"""


@asynccontextmanager
async def opened(plan: Plan) -> AsyncIterator[Run]:
    async with staged() as stage:
        suppliers = plan.count(SUPPLIERS)
        for statement in FILL:
            await stage.admin.execute(statement, *([suppliers] if "$1" in statement else []), timeout=600)
        checks = [tuple(row) for row in await stage.admin.fetch(SOME, plan.count(CHECKS, least=50), suppliers)]

        async def run() -> Figures:
            return await _run(stage, checks)

        yield run


async def _run(stage: Stage, checks: list[tuple[Any, ...]]) -> Figures:
    order = random.sample(checks, len(checks))
    took_ms: list[float] = []
    found = 0
    async with stage.admin.acquire() as connection:
        await connection.execute("set plan_cache_mode = force_generic_plan")
        check = await connection.prepare(CHECK)
        for number, (supplier, blocked) in enumerate([*order[:WARM], *order]):
            began = time.perf_counter()
            found += await check.fetchval(supplier, blocked)
            if number >= min(WARM, len(order)):
                took_ms.append((time.perf_counter() - began) * 1000)
        rows = await connection.fetchval("select count(*) from bookings")
    return {**spread("check", took_ms), "load_bookings": float(rows), "load_found": float(found)}


SCENARIO = Scenario(
    name="conflicts",
    about="calendar conflict check against 1 M bookings of 5,000 suppliers",
    budgets=(Budget("check_p99_ms", 5.0),),
    opened=opened,
    notes=("one change after the other, as the reactions of one supplier run; the round trip is included",),
)
