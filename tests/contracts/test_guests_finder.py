"""The wedding's website, and finding a lost invitation there: forgiving, and telling nobody who is on the list."""

from secrets import token_hex
from uuid import UUID

import msgspec
import pytest

from tests.contracts.guest_house import GuestHouse
from wedsync.weddings import actions as weddings


async def publish(house: GuestHouse, **more: object) -> str:
    """The path of the wedding's website."""
    slug = f"ana-ben-{token_hex(4)}"
    said = {"slug": slug, "is_published": True, "welcome": "Come & dance.\n\n<b>Bring shoes.</b>"} | more
    async with house.wedding.as_(house.wedding.ana) as tx:
        await weddings.put_site(tx, house.id, **said)  # type: ignore[arg-type]
    return f"/w/{slug}"


async def mails(house: GuestHouse) -> list[tuple[UUID, dict[str, str]]]:
    """What is owed to parties by mail: (party, message)."""
    rows = await house.wedding.admin.fetch(
        """select d.id, d.recipient_id, d.sealed from deliveries d join jobs j on j.id = d.id
        where d.tenant_id = $1 and d.type = 'party_link.requested' order by d.made_at""",
        house.id,
    )
    opened = [
        house.ring.open(r["sealed"], tenant=house.id, table="deliveries", column="sealed", row=r["id"]) for r in rows
    ]
    return [(r["recipient_id"], msgspec.json.decode(text)) for r, text in zip(rows, opened, strict=True)]


async def test_the_website_shows_what_was_published(house: GuestHouse) -> None:
    async with house.wedding.as_(house.wedding.ana) as tx:
        await weddings.change(tx, house.id, {"ceremony_venue": "St Leonard’s", "ceremony_at": "14:00"})
    path = await publish(house)
    page = await house.public.see(path)
    for words in (
        "Ana &amp; Ben",
        "Saturday 5 June 2027",
        "St Leonard’s",
        "<p>Come &amp; dance.</p>",
        "&lt;b&gt;Bring shoes.",
    ):
        assert words in page
    facts = await house.public.part(f"{path}?fragment=facts")
    assert "14:00" in facts
    assert "<html" not in facts
    answer = await house.public.http.post(f"{path}/token")
    assert answer.json()["expires_in"] == 600


async def test_public_items_are_the_facts(house: GuestHouse) -> None:
    await house.wedding.admin.execute("update schedule_items set audience = 'public' where id = $1", house.dinner)
    path = await publish(house)
    facts = await house.public.part(f"{path}?fragment=facts")
    assert "Dinner" in facts
    assert "17:00" in facts
    assert "Ceremony" not in facts


async def test_what_is_not_published_is_not_there(house: GuestHouse) -> None:
    path = await publish(house, is_published=False)
    for wrong in (path, f"{path}/rsvp", "/w/nobody-at-all", "/w/nobody-at-all/rsvp"):
        await house.public.see(wrong, code=404)
    assert (await house.public.send(f"{path}/rsvp", {"name": "Carla Mendes"})).status_code == 404
    assert (await house.public.http.post(f"{path}/token")).status_code == 404


@pytest.mark.parametrize("name", ["Łukasz Nowak", "lukasz nowak", "Nowak, Lukasz", "Lukas Nowak"])
async def test_a_name_is_enough_to_get_the_link_again(house: GuestHouse, name: str) -> None:
    path = await publish(house)
    party, _ = await house.party("Carla Mendes", "Łukasz Nowak", email="carla@example.org")
    link = await house.link(party)
    await house.party("Beatrice Hart", email="bea@example.org")
    answer = await house.public.send(f"{path}/rsvp", {"name": name})
    assert "On its way" in answer.text
    ((recipient, mail),) = await mails(house)
    assert (recipient, mail["to"]) == (party, "carla@example.org")
    assert link in mail["text"]


async def test_the_page_says_the_same_of_everybody(house: GuestHouse) -> None:
    path = await publish(house)
    party, _ = await house.party("Carla Mendes", email="carla@example.org")
    await house.link(party)
    silent, _ = await house.party("Ola Silent")
    await house.link(silent)
    await house.party("Tom Uninvited", email="tom@example.org")
    pages = {
        (await house.public.send(f"{path}/rsvp", {"name": name})).text
        for name in ("Carla Mendes", "Nobody Atall", "Ola Silent", "Tom Uninvited")
    }
    assert len(pages) == 1
    assert "Carla" not in pages.pop()
    assert [party for party, _ in await mails(house)] == [party]


async def test_two_who_could_be_meant_are_asked_for_more(house: GuestHouse) -> None:
    path = await publish(house)
    links = []
    for name in ("Jon Smith", "John Smith"):
        party, _ = await house.party(name, email=f"{name[:3]}@example.org")
        links.append(await house.link(party))
    unsure = await house.public.send(f"{path}/rsvp", {"name": "Jonn Smith"})
    assert "More than one might be you" in unsure.text
    assert not await mails(house)
    exact = await house.public.send(f"{path}/rsvp", {"name": "john smith"})
    assert "On its way" in exact.text
    ((_, mail),) = await mails(house)
    assert links[1] in mail["text"]


async def test_one_mailbox_is_not_flooded_and_tries_are_limited(house: GuestHouse) -> None:
    path = await publish(house)
    party, _ = await house.party("Carla Mendes", email="carla@example.org")
    await house.link(party)
    assert (await house.public.send(f"{path}/rsvp", {"name": " "})).status_code == 422
    for _ in range(9):
        assert (await house.public.send(f"{path}/rsvp", {"name": "Carla Mendes"})).status_code == 200
    assert len(await mails(house)) == 3
    refused = await house.public.send(f"{path}/rsvp", {"name": "Carla Mendes"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
