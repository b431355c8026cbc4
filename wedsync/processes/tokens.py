"""`wedsync token`: an access token of a person, for trying the API; it needs the owner's address of the database."""

import secrets
from typing import Final

from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config import Settings
from wedsync.kit.db import Door, connect_pool
from wedsync.people.actions import digest
from wedsync.processes.engines import reach, require
from wedsync.processes.failures import CannotRun
from wedsync.processes.migrate import connected
from wedsync.web import auth

DAYS: Final = 7


async def run(settings: Settings, *, email: str) -> int:
    """Print the token and nothing else, so that a shell can take it. CannotRun where nobody has this address."""
    settings = reach(settings)
    require(settings, "database_url", "owner_database_url")
    pool = await connect_pool(settings.door("user"), size=1, application="wedsync-token")
    try:
        async with Door(pool).bare(ANONYMOUS) as tx:
            person = await tx.value("select app.person_for($1)", email)
            # It makes whom it does not find, and only then the transaction has written; leaving by an error undoes it.
            if await tx.value("select pg_current_xact_id_if_assigned()::text") is not None:
                raise CannotRun(f"Nobody signs in as {email}. Check the address; `wedsync up --demo` lists the demo's.")
    finally:
        await pool.close()
    async with connected(settings.door("owner")) as owner:
        hashed = digest(secrets.token_urlsafe(32))
        session = await owner.fetchval("select app.issue_session($1, $2, $3)", person, hashed, DAYS)
    print(auth.mint(settings.jwt_secret, person=person, session=session, seconds=DAYS * 86400))
    return 0
