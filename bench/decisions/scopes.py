"""Scopes as one int of bits against scopes as text[]: the same policy over ten thousand rows, timed by the server."""

import re
import statistics

import asyncpg

from bench.decisions.engines import started
from bench.decisions.measuring import Figures, run

ROWS = 10_150
SCHEMA = f"""
create table as_bits (wedding_id int not null, id int not null, scope int not null);
create table as_words (wedding_id int not null, id int not null, scopes text[] not null);
insert into as_bits select 1, n, 1 << (n % 11) from generate_series(1, {ROWS}) n;
insert into as_words select 1, n, array[(array['core', 'schedule', 'tasks', 'counts', 'guests', 'dietary',
  'contacts', 'photos', 'budget', 'private', 'site'])[n % 11 + 1]] from generate_series(1, {ROWS}) n;
alter table as_bits enable row level security;
alter table as_words enable row level security;
create policy seen on as_bits using ((select current_setting('app.mask')::int) & scope <> 0);
create policy seen on as_words using (scopes && (select string_to_array(current_setting('app.scopes'), ',')));
create role reading login password 'reading';
grant select on as_bits, as_words to reading;
vacuum analyze as_bits;
vacuum analyze as_words;
"""
SETTINGS = "set app.mask = '31'; set app.scopes = 'core,schedule,tasks,counts,guests'"


async def _measure(admin_url: str) -> Figures:
    admin = await asyncpg.connect(admin_url)
    for statement in SCHEMA.strip().split(";\n"):
        await admin.execute(statement)
    await admin.close()
    connection = await asyncpg.connect(admin_url, user="reading", password="reading")
    await connection.execute(SETTINGS)
    counts = {table: await connection.fetchval(f"select count(*) from {table}") for table in ("as_bits", "as_words")}
    assert counts["as_bits"] == counts["as_words"] > 0, counts
    figures = {"bits_ms": await _server_ms(connection, "as_bits"), "words_ms": await _server_ms(connection, "as_words")}
    await connection.close()
    return figures


async def _server_ms(connection: asyncpg.Connection, table: str) -> float:
    spans = []
    for _ in range(40):
        plan = await connection.fetch(f"explain (analyze, timing off) select id from {table}")
        found = re.search(r"Execution Time: ([\d.]+) ms", plan[-1][0])
        assert found is not None
        spans.append(float(found[1]))
    return statistics.median(spans)


def measure() -> Figures:
    with started() as (admin_url, _):
        return run(_measure(admin_url))
