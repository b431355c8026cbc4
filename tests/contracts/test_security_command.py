"""`wedsync security`: the operator reads what was refused, as a table or as JSON lines, and is told how to ask."""

import pytest
import pytest_asyncio
from msgspec import json

from tests.contracts.town import Somebody, Town
from wedsync.processes import security
from wedsync.processes.failures import CannotRun


async def asked(town: Town, wanted: dict[str, str], *, is_json: bool = True) -> int:
    said = {"since": "1h", "kind": "", "address": ""} | wanted
    since, kind, address = said["since"], said["kind"], said["address"]
    return await security.run(town.settings, since=since, kind=kind, address=address, limit=1000, is_json=is_json)


@pytest_asyncio.fixture
async def refused(town: Town, wedding: str) -> Somebody:
    """A stranger who asked for a guest list and was told that there is none."""
    stranger = await town.person("stranger")
    await stranger.got("GET", f"/api/v1/weddings/{wedding}/guests", code=404)
    await town.watched()
    return stranger


@pytest.mark.parametrize("kind", ["", "access.refused", "access.*", "access"])
async def test_a_refusal_is_a_line_of_json(
    town: Town, refused: Somebody, wedding: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asked(town, {"kind": kind}) == 0
    lines = [json.decode(line) for line in capsys.readouterr().out.splitlines()]
    [mine] = [one for one in lines if one["actor_id"] == str(refused.id) and one["kind"] == "access.refused"]
    assert mine["tenant_id"] == wedding
    assert mine["detail"]["endpoint"].startswith("GET /api/v1/weddings/{")


async def test_a_refusal_is_a_row_of_the_table(
    town: Town, refused: Somebody, wedding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asked(town, {"since": "2d"}, is_json=False) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0].split()[:3] == ["At", "Kind", "Times"]
    assert any(wedding in line and str(refused.id) in line for line in said.splitlines())


@pytest.mark.parametrize(
    "wanted", [{"kind": "sign_in.brewed"}, {"address": "198.51.100.254"}, {"since": "2090-01-01T00:00Z"}]
)
async def test_nothing_is_said_to_be_nothing(
    town: Town, refused: Somebody, wanted: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asked(town, wanted, is_json=False) == 0
    assert capsys.readouterr().out == f"Nothing since {wanted.get('since', '1h')}.\n"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"since": "yesterday"}, "write it like 24h, 7d"),
        ({"since": "2027-06-05T14:30"}, "has no time zone"),
        ({"kind": "Access Refused"}, "write it like access.refused"),
    ],
)
async def test_what_cannot_be_asked_is_told_with_how_to_ask(town: Town, wanted: dict[str, str], told: str) -> None:
    with pytest.raises(CannotRun, match=told):
        await asked(town, wanted)
