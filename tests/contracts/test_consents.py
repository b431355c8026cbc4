"""Mails that offer something: the ledger is asked, one click without an account stops them, most restrictive wins."""

from uuid import UUID, uuid4

import msgspec
import pytest

from tests.contracts.town import Town
from wedsync.connections.mailing import letter
from wedsync.consents import actions
from wedsync.consents.model import Out, offer
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.errors import Refusal
from wedsync.web import mail


async def refused(town: Town, *emails: str, topic: str = "journeys", supplier: UUID | None = None) -> dict[str, str]:
    async with town.door.bare(ANONYMOUS) as tx:
        return dict(await actions.refused(tx, town.ring, emails, topic=topic, supplier_id=supplier))  # type: ignore[arg-type]


async def given(town: Town, email: str, supplier: UUID, method: str = "import") -> None:
    async with town.door.bare(ANONYMOUS) as tx:
        await actions.note(
            tx,
            town.ring,
            email,
            topic="marketing",
            act="given",
            method=method,
            supplier_id=supplier,
            wording="Yes",  # type: ignore[arg-type]
        )


async def test_one_click_stops_one_senders_mails_or_everybodys_and_only_the_page_takes_it_back(town: Town) -> None:
    ana, ben, marlow, petal = f"ana-{uuid4()}@example.test", f"ben-{uuid4()}@example.test", uuid4(), uuid4()
    assert await refused(town, ana, ben, supplier=marlow) == {}
    assert await refused(town, ana, topic="marketing", supplier=marlow) == {ana: "never_given"}
    await given(town, ana, marlow)
    assert await refused(town, ana, topic="marketing", supplier=marlow) == {}
    assert await refused(town, ana, topic="marketing", supplier=petal) == {ana: "never_given"}
    out = Out(email=ana.upper(), topic="marketing", supplier_id=marlow, sender="Marlow Photo")
    made = offer(town.ring, "http://test", out, address="1 Mill Lane,\n Ely")
    words = mail.written(subject="A look back", paragraphs=["Come again."], small=made.lines())
    body = letter.read(msgspec.json.decode(mail.message(ana, words, unsubscribe_url=made.out_url)))
    assert letter.headers(body)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "1 Mill Lane, Ely" in body.text and "1 Mill Lane, Ely" in body.html and made.out_url in body.text
    path = made.out_url.removeprefix("http://test")
    assert "Marlow Photo" in await town.public.see(path)
    assert await refused(town, ana, topic="marketing", supplier=marlow) == {}, "looking stops nothing"
    answer = await town.public.send(path, **{"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 204
    assert await refused(town, ana, ben, topic="marketing", supplier=marlow) == {ana: "withdrawn", ben: "never_given"}
    await given(town, ana, marlow)
    assert (await refused(town, ana, topic="marketing", supplier=marlow))[ana] == "withdrawn", "an import lifts nothing"
    assert await refused(town, ana, supplier=marlow) == {}, "of another kind"
    assert (await town.public.send(path, what="again")).status_code == 303
    assert await refused(town, ana, topic="marketing", supplier=marlow) == {}
    assert (await town.public.send(path, what="all")).headers["location"].endswith("done=all")
    for topic in ("journeys", "marketing", "invitations"):
        assert (await refused(town, ana, topic=topic, supplier=petal))[ana] == "withdrawn"
    await town.public.see("/unsubscribe/nonsense", code=404)
    await town.public.see(path[:-4] + "AAAA", code=404)


async def test_a_mail_that_offers_something_names_an_address_and_shows_its_way_out(town: Town) -> None:
    out = Out(email="ana@example.test", topic="journeys", supplier_id=uuid4(), sender="Marlow Photo")
    with pytest.raises(Refusal, match="postal address"):
        offer(town.ring, "http://test", out, address=" ")
    plain = mail.written(subject="A look back", paragraphs=["Come again."])
    with pytest.raises(ValueError, match="must show it"):
        mail.message("ana@example.test", plain, unsubscribe_url="https://test/unsubscribe/x")
