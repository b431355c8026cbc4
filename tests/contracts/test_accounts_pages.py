"""Pages of accounts: from the gallery to the provider and back, what each role is offered, nothing secret on them."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest_asyncio

from tests.contracts.account_house import CARLA, PASSWORD, House, housed
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.config import Settings


@pytest_asyncio.fixture(scope="module")
async def house(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[House]:
    async with housed(database, postgres, settings) as made:
        yield made


async def test_a_person_connects_by_the_pages_and_sees_how_it_is(house: House) -> None:
    business = await house.supplier()
    path, owner = f"/studio/{business.supplier}/accounts", business.owner
    gallery = await owner.see(path)
    assert f"{path}/new/acme_calendar" in gallery
    assert "Nothing is connected yet" in gallery
    assert "Continue to Acme Calendar" in await owner.see(f"{path}/new/acme_calendar")
    onward = await owner.send(f"{path}/new/acme_calendar", title="Studio")
    assert onward.status_code == 200
    url = onward.headers["refresh"].removeprefix("0; url=")
    assert url.startswith(f"{house.at}/acme/oauth/authorize?")
    refused = await owner.see(await house.answered(url, "deny"), code=422)
    assert "did not allow it" in refused
    url = (await owner.send(f"{path}/new/acme_calendar")).headers["refresh"].removeprefix("0; url=")
    await owner.see(await house.answered(url), code=303)
    (row,) = await house.admin.fetch("select id, title from connections where tenant_id = $1", UUID(business.supplier))
    page = await owner.see(f"{path}/{row['id']}")
    assert (row["title"], "Works" in page, "Connected" in page, CARLA in page) == ("Studio", True, True, False)
    assert CARLA in (await owner.send(f"{path}/{row['id']}/reveal")).text
    for verb, badge in (("pause", "Paused"), ("resume", "Works"), ("check", "Works")):
        assert (await owner.send(f"{path}/{row['id']}/{verb}")).status_code == 303
        assert badge in await owner.see(f"{path}/{row['id']}")
    assert (await owner.send(f"{path}/{row['id']}/resume")).status_code == 409
    assert (await owner.send(f"{path}/{row['id']}/nothing")).status_code == 404
    assert (await owner.send(f"{path}/{row['id']}/disconnect")).status_code == 303
    assert "Connect it again" in await owner.see(f"{path}/{row['id']}")


async def test_a_form_that_is_wrong_is_shown_again_without_the_password(house: House) -> None:
    business = await house.supplier()
    path = f"/studio/{business.supplier}/accounts/new/vault"
    given = {"username": "frank", "password": "not-the-word-there", "address": f"{house.at}/vault"}
    wrong = await business.owner.send(path, **given)
    assert (wrong.status_code, "not-the-word-there" in wrong.text, "frank" in wrong.text) == (422, False, True)
    right = await business.owner.send(path, **given | {"password": PASSWORD})
    assert right.status_code == 303
    id = right.headers["location"].rpartition("/")[2]
    again = await business.owner.send(
        f"{path.removesuffix('/new/vault')}/{id}/reconnect", **given | {"password": PASSWORD}
    )
    assert again.headers["location"] == right.headers["location"]


async def test_a_member_looks_and_is_offered_nothing(house: House) -> None:
    business = await house.supplier()
    id = await house.connected(business)
    member = await house.person("member")
    said = {"email": member.email, "role": "member", "name": "Max"}
    await business.owner.got("POST", f"/api/v1/suppliers/{business.supplier}/members", said, code=201)
    path = f"/studio/{business.supplier}/accounts"
    page = await member.see(f"{path}/{id}")
    assert ("Works" in page, "Disconnect" in page, 'id="log"' in page) == (True, False, False)
    assert "An owner or admin connects" in await member.see(f"{path}/new/acme_calendar")
    for verb in ("check", "pause", "disconnect", "reveal"):
        assert (await member.send(f"{path}/{id}/{verb}")).status_code == 403
    other = await house.supplier()
    await other.owner.see(f"{path}/{id}", code=404)
    await other.owner.see(f"/studio/{other.supplier}/accounts/{id}", code=404)
