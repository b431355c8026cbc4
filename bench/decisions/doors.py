"""One login role with settings against a role per audience, alternating on one connection with prepared statements."""

import itertools

import asyncpg

from bench.decisions.engines import started
from bench.decisions.measuring import Figures, cpu_us_of, run, wall_us_of

AUDIENCES = ("couple", "supplier", "guest")
SCHEMA = """
create table replies (wedding_id int not null, id int not null, scope int not null, primary key (wedding_id, id));
insert into replies select n / 150, n, 16 from generate_series(1, 15000) n;
alter table replies enable row level security;
create policy gate on replies as restrictive using (wedding_id = (select current_setting('app.tenant', true)::int));
create policy seen on replies using ((select current_setting('app.mask', true)::int) & scope <> 0);
create role acting login password 'acting';
grant select on replies to acting;
analyze replies;
""" + "".join(
    f"create role {name} nologin; grant {name} to acting; grant select on replies to {name};" for name in AUDIENCES
)
READ = "select id, scope from replies where wedding_id = $1 and id = $2"
ENTER = "begin; select set_config('app.tenant', '7', true), set_config('app.mask', '2047', true)"


async def _measure(admin_url: str) -> Figures:
    admin = await asyncpg.connect(admin_url)
    await admin.execute(SCHEMA)
    await admin.close()
    connection = await asyncpg.connect(admin_url, user="acting", password="acting")
    turns = itertools.cycle(AUDIENCES)

    async def by_settings() -> None:
        await connection.execute(ENTER)
        await connection.fetchrow(READ, 7, 1100)
        await connection.execute("commit")

    async def by_roles() -> None:
        await connection.execute(f"{ENTER}, set_config('role', '{next(turns)}', true)")
        await connection.fetchrow(READ, 7, 1100)
        await connection.execute("commit")

    figures = {
        "settings_us": await wall_us_of(by_settings, times=1500),
        "roles_us": await wall_us_of(by_roles, times=1500),
        "settings_client_cpu_us": await cpu_us_of(by_settings, times=300),
    }
    await connection.close()
    return figures


def measure() -> Figures:
    with started() as (admin_url, _):
        return run(_measure(admin_url))
