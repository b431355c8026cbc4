"""asyncpg: client CPU of a row-secured read, of a round trip, and of the transaction a request makes of them."""

import asyncpg

from bench.decisions.engines import started
from bench.decisions.measuring import Figures, cpu_us_of, run

SCHEMA = """
create table replies (wedding_id int not null, id int not null, answer text not null, primary key (wedding_id, id));
insert into replies select n / 150, n, 'accepted' from generate_series(1, 15000) n;
alter table replies enable row level security;
create policy gate on replies using (wedding_id = (select current_setting('app.tenant', true)::int));
create role reading login password 'reading';
grant select on replies to reading;
analyze replies;
"""
ENTER = "begin; select set_config('app.tenant', '7', true)"
READ = "select id, answer from replies where wedding_id = $1 and id = $2"


async def _measure(admin_url: str) -> Figures:
    admin = await asyncpg.connect(admin_url)
    await admin.execute(SCHEMA)
    await admin.close()
    connection = await asyncpg.connect(admin_url, user="reading", password="reading")

    async def transaction() -> None:
        await connection.execute(ENTER)
        await connection.fetchrow(READ, 7, 1100)
        await connection.execute("commit")

    figures = {"transaction_us": await cpu_us_of(transaction, times=400)}
    await connection.execute(ENTER)
    figures["read_us"] = await cpu_us_of(lambda: connection.fetchrow(READ, 7, 1100), times=1000)
    figures["round_trip_us"] = await cpu_us_of(lambda: connection.execute("select"), times=1000)
    await connection.execute("commit")
    await connection.close()
    return figures


def measure() -> Figures:
    with started() as (admin_url, _):
        return run(_measure(admin_url))
