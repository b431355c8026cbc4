"""What the database itself says about its protection: facts of the catalogue that no careless statement may change."""

from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from tests.engines_fixture import Database

# Written by definer functions alone; their tenants are checked inside them.
SPINE = {
    "streams",
    "event_types",
    "reaction_types",
    "destinations",
    "heads",
    "jobs",
    "socket_positions",
    "security_events",
    "events",
    "deliveries",
    "attempts",
    "access_log",
    "plans",
    "plan_limits",
    "plan_default",
    "usage_writers",
}
OPEN = {"clock_setting", "schema_migrations"}
DOORS = ("wedsync_user", "wedsync_reader", "wedsync_service")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.owner)
    yield connection
    await connection.close()


async def test_no_door_is_a_superuser_bypasses_or_owns_anything(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles where rolname = any($1)",
        list(DOORS),
    )
    assert len(rows) == 3
    assert not any(any(v for k, v in r.items() if k != "rolname") for r in rows)
    owned = await owner.fetchval(
        "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname = any($1)", list(DOORS)
    )
    assert owned == 0
    member = await owner.fetchval(
        "select count(*) from pg_auth_members m join pg_roles r on r.oid = m.member where r.rolname = any($1)",
        list(DOORS),
    )
    assert member == 0


async def test_every_table_forces_row_security_partitions_included(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and not (c.relrowsecurity and c.relforcerowsecurity)"""
    )
    assert {r["relname"] for r in rows} <= OPEN


async def test_every_tenant_table_has_a_restrictive_gate_for_the_user_door_alone(owner: asyncpg.Connection) -> None:
    tables = await owner.fetch(
        """select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
          and has_any_column_privilege('wedsync_user', c.oid, 'select, insert, update')"""
    )
    gates = await owner.fetch(
        "select tablename, qual, roles::text from pg_policies where permissive = 'RESTRICTIVE' and policyname = 'gate'"
    )
    by_table = {g["tablename"]: g for g in gates}
    assert {t["relname"] for t in tables} - OPEN <= set(by_table)
    assert all("app.tenant()" in g["qual"] and g["roles"] == "{wedsync_user}" for g in gates)


async def test_a_policy_that_is_always_true_is_the_recorders_or_behind_the_gate(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select tablename, policyname, roles::text, cmd from pg_policies where qual = 'true' or with_check = 'true'"
    )
    loose = [
        (r["tablename"], r["policyname"])
        for r in rows
        if r["roles"] != "{wedsync_recorder}" and r["policyname"] != "readable"
    ]
    assert loose == []


async def test_settings_are_read_once_per_statement(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select tablename, policyname, coalesce(qual, '') || coalesce(with_check, '') as text from pg_policies"
    )
    bare = [
        (r["tablename"], r["policyname"])
        for r in rows
        if "app." in r["text"].replace("SELECT app.", "").replace("( SELECT", "")
        and "app." in _outside_selects(r["text"])
    ]
    assert bare == []


def _outside_selects(text: str) -> str:
    """Every setting is read in a sub-select, which PostgreSQL turns into an InitPlan."""
    return text.replace("SELECT app.", "SELECT _")


async def test_budget_and_private_cannot_be_granted_by_any_statement(owner: asyncpg.Connection) -> None:
    checks = await owner.fetch(
        "select pg_get_constraintdef(oid) as text from pg_constraint where conrelid = 'public.links'::regclass"
    )
    assert any("scopes & (~ 254)" in c["text"] or "~ 254" in c["text"] for c in checks)
    generated = await owner.fetchval(
        """select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
        join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
        where d.adrelid = 'public.links'::regclass and a.attname = 'can_view_budget'"""
    )
    assert generated == "false"


async def test_foreign_keys_between_tenant_tables_carry_the_tenant(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        """select c.conrelid::regclass::text as child, c.confrelid::regclass::text as parent,
          array_length(c.conkey, 1) as columns
        from pg_constraint c where c.contype = 'f' and c.connamespace = 'public'::regnamespace and not exists
          (select from pg_class k where k.oid = c.conrelid and k.relispartition)"""
    )
    homes = {"streams", "weddings", "suppliers", "persons", "destinations", "event_types", "subscriptions", "plans"}
    short = [(r["child"], r["parent"]) for r in rows if r["columns"] < 2 and r["parent"] not in homes]
    assert short == []


async def test_definer_functions_pin_their_search_path_and_are_not_public(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        """select p.proname, p.proconfig, r.rolname, has_function_privilege('public', p.oid, 'execute') as is_public
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
        where n.nspname = 'app' and p.prosecdef"""
    )
    assert rows
    assert [r["proname"] for r in rows if not any(c.startswith("search_path=") for c in r["proconfig"] or [])] == []
    assert [r["proname"] for r in rows if r["is_public"]] == []


async def test_the_reader_door_selects_nothing_and_the_service_door_no_tenant_table(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        """select table_name, grantee from information_schema.role_table_grants
        where table_schema = 'public' and grantee in ('wedsync_reader', 'wedsync_service')"""
    )
    tenant = {r["table_name"] for r in rows} - SPINE - OPEN
    assert tenant == set()
    assert [r for r in rows if r["grantee"] == "wedsync_reader" and r["table_name"] not in OPEN] == []


async def test_no_view_shows_what_its_reader_may_not_see(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select c.relname from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm')"
    )
    assert rows == []
