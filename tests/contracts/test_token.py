"""`wedsync token` prints a token of somebody who exists, and makes nobody by a misspelt address."""

import secrets

import asyncpg
import pytest

from wedsync.kit.config import Settings
from wedsync.processes import tokens
from wedsync.processes.failures import CannotRun
from wedsync.web import auth


async def person_for(settings: Settings, email: str) -> object:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return await connection.fetchval("select app.person_for($1)", email)
    finally:
        await connection.close()


async def test_the_token_is_of_the_person_with_this_address(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    person = await person_for(settings, email)
    assert await tokens.run(settings, email=email.upper()) == 0
    known = auth.read_token(settings.jwt_secret, capsys.readouterr().out.strip())
    assert known is not None
    assert known[0] == person


async def test_nobody_is_made_by_a_misspelt_address(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    for _ in range(2):
        with pytest.raises(CannotRun, match=f"Nobody signs in as {email}"):
            await tokens.run(settings, email=email)
    assert capsys.readouterr().out == ""
