"""A wedding that a test puts at any moment of its plan, with a planner, a photographer and a florist."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from tests.contracts.alert_house import linked
from tests.contracts.town import LEASE_WORK, Linked, Somebody, Town
from wedsync.events.jobs import Job
from wedsync.kit import clock
from wedsync.operations.wedding_day import minding, packing


class DayHouse(msgspec.Struct, frozen=True, kw_only=True):
    """Whose wedding, who works at it, and its items by title."""

    town: Town
    ana: Somebody
    ben: Somebody
    wedding: str
    zone: str
    planner: Linked
    photographer: Linked
    florist: Linked
    items: dict[str, str]

    def at(self, path: str) -> str:
        """A path of the wedding's API."""
        return f"/api/v1/weddings/{self.wedding}/{path}"

    async def put_at(self, before_first: timedelta) -> None:
        """So long before the first item it is now: the plan moves, as it stood for weeks."""
        first = await self.town.admin.fetchval(
            "select min(starts_at) from schedule_items where wedding_id = $1", UUID(self.wedding)
        )
        shift = clock.now().replace(second=0, microsecond=0) + before_first - first
        async with self.town.admin.transaction():
            await self.town.admin.execute(
                """update schedule_items set created_at = clock_timestamp() - interval '60 days',
                  "on" = (timezone(zone, starts_at + $2))::date, at_local = (timezone(zone, starts_at + $2))::time
                where wedding_id = $1""",
                UUID(self.wedding),
                shift,
            )
            await self.town.admin.execute(
                """update arrivals r set "on" = (timezone(d.zone, d.live_from + interval '2 hours' + $2))::date,
                  expected_at = r.expected_at + $2
                from wedding_days d where r.wedding_id = $1 and d.wedding_id = $1 and d."on" = r."on" """,
                UUID(self.wedding),
                shift,
            )
            await self.town.admin.execute(
                """update day_stages s set "on" = (timezone(d.zone, d.live_from + interval '2 hours' + $2))::date
                from wedding_days d where s.wedding_id = $1 and d.wedding_id = $1 and d."on" = s."on" """,
                UUID(self.wedding),
                shift,
            )
            await self.town.admin.execute("delete from day_watches where wedding_id = $1", UUID(self.wedding))
            await self.town.admin.execute(
                """update wedding_days set live_from = live_from + $2, live_until = live_until + $2,
                  "on" = (timezone(zone, live_from + interval '2 hours' + $2))::date where wedding_id = $1""",
                UUID(self.wedding),
                shift,
            )
            await self.town.admin.execute(
                """update weddings w set "on" = i."on", ceremony_at = i.at_local
                from (select s."on", s.at_local from schedule_items s
                  where s.wedding_id = $1 and s.kind = 'ceremony' order by s.starts_at limit 1) i
                where w.wedding_id = $1""",
                UUID(self.wedding),
            )


async def house(town: Town, zone: str = "Europe/London", on: date | None = None) -> DayHouse:
    """Ceremony at two, then drinks, then dinner; the photos are the photographer's, the florist sees no schedule."""
    ana, ben = await town.person("ana"), await town.person("ben")
    on = on or (datetime.now() + timedelta(days=90)).date()
    wedding = await town.wedding(ana, on=on.isoformat(), time_zone=zone)
    member = {"role": "partner", "name": "Ben", "email": ben.email}
    await ana.got("POST", f"/api/v1/weddings/{wedding}/members", member, code=201)
    made = {
        name: await linked(town, ana, wedding, name, category, level)
        for name, category, level in (
            ("planner", "planner", "full"),
            ("photographer", "photographer", "standard"),
            ("florist", "florist", "basic"),
        )
    }
    await ana.got("PATCH", f"/api/v1/links/{made['planner'].link}", {"can_edit_timeline": True})
    items: dict[str, str] = {}

    async def item(title: str, kind: str, at: str, minutes: int, **more: Any) -> None:
        body = {"title": title, "kind": kind, "on": on.isoformat(), "at_local": at, "minutes": minutes} | more
        items[title] = (await ana.got("POST", f"/api/v1/weddings/{wedding}/schedule", body, code=201))["id"]

    await item("Ceremony", "ceremony", "14:00:00", 45)
    await item("Drinks", "drinks", "14:45:00", 90, after=[{"item_id": items["Ceremony"]}])
    await item("Photos", "photos", "15:00:00", 60, owner_link_id=made["photographer"].link)
    await item("Dinner", "reception", "16:15:00", 120, after=[{"item_id": items["Drinks"]}])
    await town.react(wedding)
    return DayHouse(town=town, ana=ana, ben=ben, wedding=wedding, zone=zone, items=items, **made)


async def mind(day: DayHouse) -> None:
    """What the clock owes is done, as a worker does it: its look, and the packs that this or a change asks for."""
    await day.town.admin.execute(
        "update day_watches set next_at = '-infinity' where wedding_id = $1", UUID(day.wedding)
    )
    await day.town.admin.fetchval("select app.poke_days()")
    row = await day.town.admin.fetchrow(LEASE_WORK, UUID(day.wedding), minding.MIND)
    assert row is not None
    await minding.works(day.town.ring)[minding.MIND](day.town.door, Job(**row))
    await packed(day)
    await day.town.react(day.wedding)


async def packed(day: DayHouse) -> int:
    """Day packs that are owed are made, without waiting for their turn; returns how many times."""
    await day.town.admin.execute("update jobs set run_at = clock_timestamp() where name = $1", packing.PACK)
    rows = await day.town.admin.fetch(LEASE_WORK, UUID(day.wedding), packing.PACK)
    for row in rows:
        await packing.works(day.town.ring)[packing.PACK](day.town.door, Job(**row))
    return len(rows)


async def said(day: DayHouse, *types: str) -> list[str]:
    return [e.type for e in await day.town.events(day.wedding) if e.type in types or e.type.partition(".")[0] in types]
