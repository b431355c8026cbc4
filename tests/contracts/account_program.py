"""A process of its own that opens one account when it is told to: `python -m … <connection> <tenant>`, then a line."""

import asyncio
import os
import sys
from uuid import UUID

from tests.contracts.account_house import PACKAGE
from wedsync.connections.contract import Connection
from wedsync.events import record
from wedsync.kit import config
from wedsync.kit.db import Door, connect_pool
from wedsync.kit.http import Wire
from wedsync.kit.seal import KeyRing
from wedsync.processes.web import open_desk


async def main(connection: UUID, tenant: UUID) -> None:
    """Opens it eight times at once, as a worker with much to do; says each access token's last letters."""
    settings = config.load(os.environ)
    pool = await connect_pool(settings.door("user"), size=4, application="test-worker")
    wire = Wire(allow=settings.egress_allow)
    desk = open_desk(
        settings,
        door=Door(pool, flush=record.flush),
        ring=KeyRing.from_setting(settings.seal_keys),
        wire=wire,
        connectors=PACKAGE,
    )
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for opened in await asyncio.gather(*(desk.accounts.open(connection, tenant) for _ in range(8))):
        print(opened.secrets["access_token"][0][-8:] if isinstance(opened, Connection) else repr(opened), flush=True)
    await desk.accounts.close()
    await wire.close()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(UUID(sys.argv[1]), UUID(sys.argv[2])))
