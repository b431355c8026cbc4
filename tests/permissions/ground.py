"""What the matrix needs beside the world: a row of every table in two homes each, a business's staff, and images.

The rows are laid by the administrator, because several come about only by work of the system; what is proved is who may
touch them. Inserts are tried with an image of a row that is there.
"""

import secrets
from uuid import UUID, uuid4

import asyncpg
import msgspec

from tests.permissions import access, tables
from tests.permissions.access import Ground, Image, Images
from tests.world import FIELDS, World, build, lay_account, lay_hook
from wedsync.feeds import actions as feeds
from wedsync.feeds.model import NewFeed
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config import Settings
from wedsync.operations.platform import PLATFORM
from wedsync.subscriptions import actions as subscriptions
from wedsync.subscriptions.model import NewEndpoint
from wedsync.subscriptions.rules import actions as rules
from wedsync.subscriptions.rules.model import NewRule
from wedsync.suppliers.team import actions as team
from wedsync.suppliers.team.model import NewColleague

IN_A_WEDDING = (
    """with said as (insert into platform_modes (kind, reason, entered_by, entered_at, expires_at)
      values ('late', 'Mail is slow.', '{person}', '2027-01-01Z', '2027-01-01T01:00:00Z') returning id)
    insert into mode_notes (wedding_id, kind, mode_id, expires_at, until_local, told_at, over_at)
    select '{home}', 'late', s.id, '2027-01-01T01:00:00Z', '01:00', '2027-01-01Z', '2027-01-01T01:00:00Z'
    from said s""",
    """with said as (insert into openings
      (wedding_id, reason, minutes, asked_by, asked_at, expires_at, approved_by, approved_at)
      select '{home}', 'The couple asked.', 240, '{person}', now(), now() + interval '1 hour', p.person_id, now()
      from persons p where p.person_id <> '{person}' limit 1 returning id)
    insert into opening_looks (wedding_id, opening_id, person_id, part, at)
    select '{home}', s.id, '{person}', 'tasks', now() from said s""",
    """insert into delivery_days (tenant_id, "on", connector) values ('{home}', '2027-06-05', 'webhook')""",
    """insert into journey_runs (wedding_id, link_id, enrolment_id, key, kind, title, state, due_at, done_at)
    select e.wedding_id, e.link_id, e.id, 's1', 'mail', 'Welcome', 'sent', '2027-01-01Z', '2027-01-01Z'
    from enrolments e where e.wedding_id = '{home}'""",
    """insert into enrolments
      (wedding_id, link_id, journey_id, journey_version, name, steps, booked_at, began_at, counts_from)
    select l.wedding_id, l.id, l.id, 1, 'All', '[]', '2027-01-01Z', '2027-01-01Z', '2027-01-01Z'
    from links l where l.wedding_id = '{home}'""",
    """insert into milestones (wedding_id, link_id, supplier_id, name, reached_at)
    select l.wedding_id, l.id, l.supplier_id, 'final_details', '2027-01-01Z'
    from links l where l.wedding_id = '{home}' and l.supplier_id is not null""",
    """insert into marketing_stops (wedding_id, link_id, person_id, stopped_at)
    select l.wedding_id, l.id, '{person}', '2027-01-01Z' from links l where l.wedding_id = '{home}'""",
    """insert into chat_messages (tenant_id, chat_id, about)
    select c.tenant_id, c.id, 'x' from chats c where c.tenant_id = '{home}'""",
    """insert into chats (tenant_id, connection_id, wedding_id, name)
    select c.tenant_id, c.id, '{home}', 'ours' from connections c
    where c.tenant_id = '{home}' and c.state is not null limit 1""",
    "insert into activity_reads (wedding_id, person_id, seq) values ('{home}', '{person}', 1)",
    "insert into wedding_choices (wedding_id) values ('{home}')",
    "insert into menu_options (wedding_id, schedule_item_id, name) values ('{home}', '{item}', 'Soup')",
    """insert into headcount_locks (wedding_id, schedule_item_id, counts, sha256)
    values ('{home}', '{item}', '{{}}', repeat('0', 64))""",
    "insert into dietary_sheets (wedding_id, schedule_item_id, number, sealed) values ('{home}', '{item}', 99, '')",
    "insert into imports (wedding_id) values ('{home}')",
    "insert into notes (wedding_id, sealed) values ('{home}', '')",
    """insert into task_photos (wedding_id, task_id, kind, bytes, sealed)
    select t.wedding_id, t.id, 'jpeg', 1, '' from tasks t where t.wedding_id = '{home}'""",
    """insert into messages (wedding_id, link_id, source_id, sealed, said_at)
    select l.wedding_id, l.id, gen_random_uuid(), '', '2027-01-01Z' from links l where l.wedding_id = '{home}'""",
    """insert into alert_calls (wedding_id, alert_id, person_id, tier, channels)
    select a.wedding_id, a.id, '{person}', 1, '{{in_app}}' from alerts a where a.wedding_id = '{home}' limit 1""",
    """insert into alerts (wedding_id, kind, what, sealed, raised_at, next_at)
    values ('{home}', 'emergency', 'other', '', '2027-06-05Z', 'infinity')""",
    """insert into amendments (wedding_id, number, kind, title, reason, made_at)
    values ('{home}', 99, 'announce', 'Rain', 'It rains.', '2027-06-05Z')""",
    """insert into arrivals (wedding_id, link_id, "on", zone, expected_at)
    select l.wedding_id, l.id, '2027-06-05', 'UTC', '2027-06-05Z' from links l
    where l.wedding_id = '{home}' order by l.level = 'standard' desc, l.category = 'photographer' desc limit 1""",
    """insert into day_packs (wedding_id, link_id, because, number, bytes, sealed, made_at)
    select l.wedding_id, l.id, 'day', 0, 1, '', '2027-06-05Z' from links l
    where l.wedding_id = '{home}' order by l.level = 'standard' desc, l.category = 'photographer' desc limit 1""",
    "insert into item_marks (wedding_id, schedule_item_id, state) values ('{home}', '{item}', 'started')",
    """insert into held_changes (wedding_id, fields, reason, asked_at)
    values ('{home}', '{{}}', 'It rains.', '2027-06-05Z')""",
    """insert into day_stages (wedding_id, "on", stage, began_at)
    values ('{home}', '2027-06-05', 'aftercare', '2027-06-06Z')""",
    """insert into weather_gates (wedding_id, schedule_item_id, latitude, longitude, plan_b, plan_b_place, zone,
      decide_by, rain_mm_max, gust_kmh_max, cold_c_min, heat_c_max, next_at)
    values ('{home}', '{item}', 51.5, -0.7, 'Inside', 'Barn', 'UTC', '2027-06-05Z', 1, 45, 8, 32, '2027-06-05Z')""",
    "insert into duties (wedding_id, person_id, tier) values ('{home}', '{person}', 1)",
    """insert into schedule_dependencies (wedding_id, item_id, after_item_id)
    select s.wedding_id, s.id, '{item}' from schedule_items s
    where s.wedding_id = '{home}' and s.id <> '{item}' limit 1""",
    """insert into schedule_items (wedding_id, title, "on", at_local, zone)
    values ('{home}', 'Cake', '2027-06-05', '20:00', 'UTC')""",
    """insert into proposals
      (wedding_id, link_id, origin, source_id, source_name, repeat_key, subject, title, wanted, state)
    select p.wedding_id, p.link_id, p.origin, p.source_id, p.source_name, p.repeat_key, p.subject, p.title, p.wanted,
      'refused'
    from proposals p where p.wedding_id = '{home}'""",
)
IN_A_BUSINESS = (
    "insert into journeys (supplier_id, name) values ('{home}', 'All')",
    "insert into assignments (supplier_id, member_id, link_id) values ('{home}', '{member}', '{link}')",
    """insert into availability_days (supplier_id, "on", state) values ('{home}', '2027-06-05', 'taken')""",
    "insert into booking_settings (supplier_id) values ('{home}') on conflict do nothing",
    "insert into busy_sources (supplier_id, source, refreshed_at) values ('{home}', 'phone', '2027-01-01Z')",
    """insert into busy_times (supplier_id, source_id, external_id, resource_id, during)
    select b.supplier_id, b.id, 'x', r.id, '[2027-06-05 10:00Z, 2027-06-05 11:00Z)'
    from busy_sources b join resources r using (supplier_id) where b.supplier_id = '{home}' limit 1""",
    """insert into booking_conflicts (supplier_id, kind, link_id, other_table, other_id, during, since)
    values ('{home}', 'no_room', '{link}', 'bookings', gen_random_uuid(), '[2027-06-05, 2027-06-06)', '2027-01-01Z')""",
    """insert into supplier_index (supplier_id, wedding_id, id, couple_names, date_status, time_zone, status, level)
    select '{home}', l.wedding_id, l.id, 'A & B', 'tentative', 'UTC', 'active', 'basic'
    from links l where l.id = '{link}' on conflict do nothing""",
    "insert into record_books (id, tenant_id) select c.id, c.tenant_id from connections c where c.tenant_id = '{home}'",
    """insert into record_progress (book_id, tenant_id)
    select b.id, b.tenant_id from record_books b where b.tenant_id = '{home}'""",
    """insert into record_items (tenant_id, book_id, remote_key, sealed)
    select b.tenant_id, b.id, '', '' from record_books b where b.tenant_id = '{home}'""",
    """insert into record_spaces (tenant_id, book_id, remote_id, seen)
    select b.tenant_id, b.id, 'hall', '{{}}' from record_books b where b.tenant_id = '{home}'""",
    """insert into record_galleries (tenant_id, book_id, remote_key, record_key, sealed)
    select b.tenant_id, b.id, '', '', '' from record_books b where b.tenant_id = '{home}'""",
    """insert into record_messages (tenant_id, book_id, remote_key, record_key, sealed, said_at)
    select b.tenant_id, b.id, '', '', '', '2027-01-01Z' from record_books b where b.tenant_id = '{home}'""",
    """insert into record_maps (tenant_id, book_id, version, rules)
    select b.tenant_id, b.id, 1, '[]' from record_books b where b.tenant_id = '{home}'""",
    """insert into record_documents (item_id, tenant_id, book_id, sealed, read_at)
    select i.id, i.tenant_id, i.book_id, '', '2027-01-01Z' from record_items i where i.tenant_id = '{home}'""",
    """insert into record_conflicts (tenant_id, book_id, kind, sealed, since)
    select b.tenant_id, b.id, 'sweep', '', '2027-01-01Z' from record_books b where b.tenant_id = '{home}'""",
    """insert into record_runs (tenant_id, book_id, began_at, outcome)
    select b.tenant_id, b.id, '2027-01-01Z', 'done' from record_books b where b.tenant_id = '{home}'""",
    """insert into marketing_audiences (id, tenant_id)
    select c.id, c.tenant_id from connections c where c.tenant_id = '{home}'""",
    """insert into marketing_progress (audience_id, tenant_id)
    select a.id, a.tenant_id from marketing_audiences a where a.tenant_id = '{home}'""",
    """insert into marketing_members (tenant_id, audience_id, state, sealed)
    select a.tenant_id, a.id, 'there', '' from marketing_audiences a where a.tenant_id = '{home}'""",
    """insert into marketing_triggers (tenant_id, audience_id, milestone, place)
    select a.tenant_id, a.id, 'booked', '1/2' from marketing_audiences a where a.tenant_id = '{home}'""",
    """insert into marketing_templates (tenant_id, audience_id, name, remote_id, digest)
    select a.tenant_id, a.id, 'thank_you', '1', '' from marketing_audiences a where a.tenant_id = '{home}'""",
    """insert into marketing_campaigns (tenant_id, audience_id, remote_id, title, sent_at, as_of)
    select a.tenant_id, a.id, '1', '', '2027-01-01Z', '2027-01-01Z' from marketing_audiences a
    where a.tenant_id = '{home}'""",
    """insert into marketing_consents (supplier_id, sealed, act, method) values ('{home}', '', 'withdrawn', 'page')""",
    """insert into marketing_milestones (tenant_id, client_id, milestone)
    select c.supplier_id, c.id, 'booked' from clients c where c.supplier_id = '{home}' limit 1""",
    """insert into listings (supplier_id, slug) values ('{home}', left('p{home}', 20) || 'x') on conflict do nothing""",
    "insert into enquiries (supplier_id, form_key, sealed) values ('{home}', gen_random_uuid(), '')",
    "insert into onboardings (supplier_id) values ('{home}') on conflict do nothing",
    """insert into chats (tenant_id, connection_id, wedding_id, name)
    select c.tenant_id, c.id, l.wedding_id, 'ours' from connections c join links l on l.id = '{link}'
    where c.tenant_id = '{home}' and c.state is not null limit 1""",
    """insert into chat_messages (tenant_id, chat_id, about)
    select c.tenant_id, c.id, 'x' from chats c where c.tenant_id = '{home}'""",
    """insert into payout_accounts (supplier_id, connection_id, connector, account)
    select c.tenant_id, c.id, 'stripe', 'acct_{home}' from connections c where c.tenant_id = '{home}' limit 1""",
    """insert into payment_movements (supplier_id, account_id, id, kind, status, currency, amount_minor, said_at)
    select a.supplier_id, a.id, 'ch_{home}', 'charge', 'succeeded', 'GBP', 5, '2027-01-01Z'
    from payout_accounts a where a.supplier_id = '{home}'""",
    """insert into commission_entries (supplier_id, payment_id, kind, debit, credit, amount_minor, currency)
    select t.supplier_id, t.payment_id, 'accrued', 'receivable', 'income', 5, 'GBP'
    from payment_terms t where t.supplier_id = '{home}'""",
    "insert into supplier_plans (supplier_id) values ('{home}')",
    "insert into limit_notices (supplier_id, name, level, allowed, used) values ('{home}', 'seats', 'near', 5, 4)",
    """insert into usage_days (supplier_id, "on") values ('{home}', '2027-06-05')""",
    """insert into delivery_days (tenant_id, "on", connector) values ('{home}', '2027-06-05', 'webhook')""",
    """insert into supplier_index (supplier_id, wedding_id, id, couple_names, date_status, time_zone, status, level)
    values ('{home}', gen_random_uuid(), gen_random_uuid(), 'C & D', 'tentative', 'UTC', 'active', 'basic')""",
)


TOUCHED = """select coalesce(min(a.attname) filter (where a.attname = $2), min(a.attname), $2)
from pg_attribute a where a.attrelid = ('public.' || $1)::regclass and a.attnum > 0 and not a.attisdropped
  and a.attgenerated = '' and has_column_privilege('wedsync_user', a.attrelid, a.attnum, 'update')"""


async def laid(settings: Settings, admin_url: str) -> Ground:
    """A world whose every table holds something in the home that is tried and in another."""
    world = await build(settings)
    admin = await asyncpg.connect(admin_url)
    try:
        for who, wedding in (("couple", world.wedding_id), ("other_couple", world.other_id)):
            await _lay_wedding(admin, wedding, world.people[who])
        members = await _hire(world)
        await _open(world, admin)
        given = (("standard", world.links["standard"]), ("twin", world.ids["other_link"]))
        for who, link in given:
            await _lay_business(world, admin, who, link, members[who])
        return Ground(world, await _images(world, admin))
    finally:
        await admin.close()


async def _open(world: World, admin: asyncpg.Connection) -> None:
    """The wedding to an operator, by the word of another."""
    for who in (tables.OPENED, "second_operator"):
        async with world.door.bare(ANONYMOUS) as tx:
            world.people[who] = await tx.value("select app.person_for($1)", f"{who}.{secrets.token_hex(4)}@ops.invalid")
        await admin.execute("select app.make_operator($1)", world.people[who])
    async with world.door.enter(world.actor(tables.OPENED), PLATFORM) as tx:
        asked = await tx.value("select app.ask_opening($1, 'The couple asked for it.', 240)", world.wedding_id)
    async with world.door.enter(world.actor("second_operator"), PLATFORM) as tx:
        await tx.value("select app.approve_opening($1)", asked)
    world.ids["opening"] = asked


async def _lay_wedding(admin: asyncpg.Connection, wedding: UUID, person: UUID) -> None:
    dinner = await admin.fetchval(
        "select id from schedule_items where wedding_id = $1 and takes_rsvps limit 1", wedding
    )
    for statement in reversed(IN_A_WEDDING):
        await admin.execute(statement.format(home=wedding, item=dinner, person=person))


async def _hire(world: World) -> dict[str, UUID]:
    """An admin and a member of one business, a member of another; returns a member of each."""
    world.people |= {"owner": world.people["standard"], "other_owner": world.people["twin"]}
    world.people["their_couple"] = world.people["couple"]
    members: dict[str, UUID] = {}
    for business, role in (("standard", "admin"), ("standard", "member"), ("twin", "member")):
        email = f"{role}.{secrets.token_hex(4)}@world.invalid"
        async with world.door.enter(world.actor(business), world.businesses[business]) as tx:
            new = NewColleague(email=email, name=role, role=role)
            members[business] = await team.invite(tx, new)
        if business == "standard":
            async with world.door.bare(ANONYMOUS) as tx:
                world.people[role] = await tx.value("select app.person_for($1)", email)
    return members


async def _lay_business(world: World, admin: asyncpg.Connection, who: str, link: UUID, member: UUID) -> None:
    business = world.businesses[who]
    await lay_hook(world, who, business)
    if who == "standard":
        async with world.door.enter(world.actor("member"), business) as tx:
            await feeds.make(tx, NewFeed(title="Mine"))
    await lay_account(world, who, business)
    async with world.door.enter(world.actor(who), business) as tx:
        endpoint, _ = await subscriptions.add(tx, world.ring, business, NewEndpoint(url=f"https://example.com/{who}"))
        await rules.add(tx, FIELDS, NewRule(name="Ours", endpoint_id=endpoint, types=["booking.*"]))
    for statement in IN_A_BUSINESS:
        await admin.execute(statement.format(home=business, member=member, link=link))


async def _images(world: World, admin: asyncpg.Connection) -> Images:
    """A row of each table in the home that is tried, with its writable columns."""
    images: Images = {}
    columns = await admin.fetch(
        """select c.table_name, array_agg(c.column_name::text) as columns from information_schema.columns c
        where c.table_schema = 'public' and c.is_generated = 'NEVER' group by 1"""
    )
    writable = {row["table_name"]: row["columns"] for row in columns}
    for table, home in [
        *((table, world.wedding_id) for table in tables.TABLES),
        *((table, world.businesses["standard"]) for table in tables.BUSINESS if table not in tables.TABLES),
    ]:
        image = await admin.fetchval(
            f"select to_jsonb(t) from public.{table} t where {access.home_of(table)} = $1 limit 1", home
        )
        assert image is not None, f"no row of {table} is laid"
        found = msgspec.json.decode(image)
        images[table] = Image(
            columns=writable[table],
            row={**found, "id": str(uuid4())} if "id" in found else found,
            touched=await admin.fetchval(TOUCHED, table, access.home_of(table)),
        )
    return images
