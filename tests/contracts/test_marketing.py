"""Who agreed is in the list, who did not is in none; what either side withdraws is withdrawn everywhere, at once."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.marketing_house import CARLA, RESUME, WORDS, Audience, Fair, Shop, fairly
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.calendars import driven
from wedsync.connections.marketing.driven import SPENT
from wedsync.kit import clock
from wedsync.kit.config import Settings

SOON = date.today() + timedelta(days=400)


@pytest_asyncio.fixture(scope="module")
async def fair(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Fair]:
    async with fairly(database, postgres, settings) as made:
        yield made


async def test_who_agreed_is_in_the_list_and_whoever_withdraws_anywhere_is_out_everywhere(fair: Fair) -> None:
    fair.forget()
    couple = await fair.person()
    wedding = await fair.wedding(couple)
    shop = await fair.shop(await fair.linked(couple, wedding, can_view_guests=True, can_view_contacts=True))
    guest = {"first_name": "Gus", "contact": {"email": "gus.guest@example.org"}}
    await couple.got("POST", f"/api/v1/weddings/{wedding}/guests", guest, code=201)
    maria = await shop.client(
        "Maria Santos", partner_name="Tom Okafor", partner_email=f"tom.{uuid4().hex[:6]}@example.org", venue="Lisbon"
    )
    silent = await shop.client("Silent Sam", agrees=False)
    audience = await shop.connect(chooses=False)
    state = await audience.state()
    assert (state["outcome"], [one["title"] for one in state["lists"]]) == ("held", ["Carla's couples"])
    assert fair.chimp.seen(CARLA) == {}
    refused = await shop.owner.ask("PATCH", audience.path, {"list_id": "another"})
    assert refused.status_code == 422 and "is no list of this account" in refused.text
    chosen = {"list_id": fair.chimp.list_of(CARLA)}
    late = await shop.owner.got("PATCH", audience.path, chosen, if_match='"99"', code=412)
    assert late["current"]["list_id"] == ""
    await shop.owner.got("PATCH", audience.path, chosen)
    await shop.settle()
    seen = fair.chimp.seen(CARLA)
    assert set(seen) == {maria["email"]}
    assert (seen[maria["email"]].first_name, seen[maria["email"]].last_name) == ("Maria", "Santos")
    assert seen[maria["email"]].tags == {"role: enquiry", "location: Lisbon"}

    # The same again asks nothing; a change of stage and date changes tags alone.
    calls = len(fair.chimp.exchanges)
    await shop.edit(maria, note="Nobody's business")
    await shop.settle()
    assert len(fair.chimp.exchanges) == calls
    await shop.edit(maria, stage="booked", wedding_on=SOON.isoformat())
    await shop.settle()
    later = list(fair.chimp.exchanges)[calls:]
    assert [one for one in later if one.method == "PUT"] == []
    tags = fair.chimp.seen(CARLA)[maria["email"]].tags
    assert {"role: client", "milestone: booked"} <= tags and "role: enquiry" not in tags

    other = await _at_both(fair, shop, maria)
    await _out_everywhere(fair, shop, maria, audience, other)
    for fake in (fair.chimp, fair.contact):
        text = repr(list(fake.exchanges))
        assert "gus.guest" not in text and silent["email"] not in text and "Nobody's business" not in text


async def _at_both(fair: Fair, shop: Shop, maria: dict[str, Any]) -> Audience:
    """The partner agrees for themselves; Constant Contact gets both, by an import that goes on behind."""
    await shop.say(maria, who="partner")
    fair.contact.accounts[CARLA].imports_wait = True
    other = await shop.connect("constant_contact")
    assert (await other.state())["outcome"] == "later"
    for outcome in ("later", "done"):
        await other.poll()
        assert (await other.state())["outcome"] == outcome
    fair.contact.accounts[CARLA].imports_wait = False
    both = {maria["email"], maria["partner_email"]}
    assert set(fair.chimp.seen(CARLA)) == set(fair.contact.seen(CARLA)) == both
    assert {one.tags for one in fair.contact.seen(CARLA).values()} == {fair.chimp.seen(CARLA)[maria["email"]].tags}
    assert {state for state, _ in (await other.members()).values()} == {"there"}
    return other


async def _out_everywhere(fair: Fair, shop: Shop, maria: dict[str, Any], audience: Audience, other: Audience) -> None:
    """By the link of a letter: told by a hook that must hold the secret, and out at the other provider too."""
    (hook,) = fair.chimp.accounts[CARLA].hooks.values()
    split = urlsplit(hook["url"])
    form = urlencode({"type": "unsubscribe", "fired_at": "2027-01-01 10:00:00", "data[email]": maria["email"]})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    strange = await fair.public._http.post(f"{split.path}?secret=guess", content=form, headers=headers)
    assert strange.status_code == 401
    assert (await fair.public._http.get(split.path)).status_code == 200
    fair.chimp.moods.switch(driven.OFF)
    await fair.chimp.unsubscribe(CARLA, maria["email"])
    fair.chimp.moods.switch("fine")
    told = await fair.public._http.post(f"{split.path}?{split.query}", content=form, headers=headers)
    assert told.status_code == 202
    await shop.settle()
    assert (await shop.ledger())[0] == (maria["email"], "withdrawn", "provider", "unsubscribed")
    assert fair.contact.seen(CARLA)[maria["email"]].status == "unsubscribed"
    assert (await audience.members())[maria["email"]] == ("out", "unsubscribed")
    # Here: at both at once. A changed address has agreed to nothing.
    await shop.say(maria, "withdrawn", "partner")
    await shop.settle()
    assert {one.status for one in (*fair.chimp.seen(CARLA).values(), *fair.contact.seen(CARLA).values())} == {
        "unsubscribed"
    }
    # Whoever agrees anew is asked by Mailchimp itself, and stays out at Constant Contact.
    await shop.say(maria)
    await shop.settle()
    assert fair.chimp.seen(CARLA)[maria["email"]].status == "pending"
    assert (await other.members())[maria["email"]][0] == "refused"


async def test_a_milestone_is_a_tag_and_begins_its_journey_once(fair: Fair) -> None:
    fair.forget()
    couple = await fair.person()
    wedding = await fair.wedding(couple)
    shop = await fair.shop(await fair.linked(couple, wedding))
    audience = await shop.connect()
    rules = {"triggers": [{"milestone": "final_details", "place": "12/34"}, {"milestone": "booked", "place": "5/6"}]}
    assert await shop.owner.got("PUT", f"{audience.path}/triggers", rules) == rules
    bad = await shop.owner.ask(
        "PUT", f"{audience.path}/triggers", {"triggers": [{"milestone": "booked", "place": "x"}]}
    )
    assert bad.status_code == 422 or bad.status_code == 400
    maria = await shop.client("Maria Santos", stage="booked")
    await fair.admin.execute(
        "update clients set wedding_id = $2, link_id = $3 where id = $1",
        *(UUID(maria["id"]), UUID(wedding), UUID(shop.business.link)),
    )
    await shop.settle()
    home = fair.chimp.accounts[CARLA]
    assert "milestone: booked" in fair.chimp.seen(CARLA)[maria["email"]].tags
    assert home.begun == [], "what was reached before is not news"
    link = f"/api/v1/links/{shop.business.link}"
    for _ in range(2):
        await shop.owner.got("PUT", f"{link}/milestones/final_details")
        fair.chimp.moods.switch(driven.BUSY, 1)
        await shop.settle(wedding)
        await audience.poll()
        await audience.poll()
    assert "milestone: final details" in fair.chimp.seen(CARLA)[maria["email"]].tags
    assert home.begun == [(maria["email"], "12/34")]
    # Who wants no offers on the page of their wedding is out of the list too.
    await couple.got("PUT", f"{link}/offers", {"wanted": False})
    await audience.poll()
    assert fair.chimp.seen(CARLA)[maria["email"]].status == "unsubscribed"
    # Our letters are there once, and are written again when the business is called otherwise.
    names = [one["name"] for one in home.templates.values()]
    assert len(names) == len(set(names)) == 6
    rename = "update suppliers set name = 'Marlow & Daughters' where supplier_id = $1"
    await fair.admin.execute(rename, UUID(shop.tenant))
    await audience.poll()
    assert len(home.templates) == 6
    assert all(
        "Marlow &amp; Daughters" in one["html"] and "*|UNSUB|*" in one["html"] for one in home.templates.values()
    )


async def test_an_allowance_that_is_used_up_is_told_apart_from_a_moment_too_many(fair: Fair) -> None:
    fair.forget()
    shop = await fair.shop()
    audience = await shop.connect("constant_contact")
    for mood, outcome in ((driven.BUSY, "later"), (SPENT, "quota"), (driven.BROKEN, "later")):
        fair.contact.moods.switch(mood)
        await audience.poll()
        state = await audience.state()
        assert state["outcome"] == outcome, state
        fair.contact.moods.switch("fine")
    assert "midnight" in (await quota(fair, audience))["reason"]
    connection = await shop.owner.got("GET", f"/api/v1/connections/{audience.id}")
    assert connection["state"] == "active", "an allowance says nothing of the account"
    await audience.poll()
    assert (await audience.state())["outcome"] == "done"
    # Its own share: nothing leaves when it is used up, whatever the provider would say.
    await fair.admin.execute(
        "update marketing_progress set asked = 9000, asked_on = $2 where audience_id = $1",
        *(UUID(audience.id), clock.machine_now().date()),
    )
    calls = len(fair.contact.exchanges)
    await audience.poll()
    assert ((await audience.state())["outcome"], len(fair.contact.exchanges)) == ("quota", calls)
    # Somebody who withdraws meanwhile is written to by nobody; they are out when it goes on.
    maria = await shop.client("Maria Santos")
    await shop.say(maria, "withdrawn")
    await fair.admin.execute("update marketing_progress set asked = 0 where audience_id = $1", UUID(audience.id))
    await audience.poll()
    assert maria["email"] not in fair.contact.seen(CARLA)
    fair.contact.moods.switch(driven.DEAD)
    await audience.poll()
    assert (await audience.state())["outcome"] == "reconnect"


async def quota(fair: Fair, audience: Audience) -> dict[str, str]:
    """Once more used up, as its page says it."""
    fair.contact.moods.switch(SPENT)
    await audience.poll()
    fair.contact.moods.switch("fine")
    found: dict[str, str] = await audience.state()
    return found


async def test_the_pages_say_who_agreed_how_it_does_and_what_became_of_campaigns(fair: Fair) -> None:
    fair.forget()
    shop = await fair.shop()
    audience = await shop.connect()
    client = await shop.client("Maria Santos", agrees=False, wedding_on=SOON.isoformat())
    page = f"/studio/{shop.tenant}/marketing/{audience.id}"
    assert page in await shop.owner.see(f"/studio/{shop.tenant}/accounts/{audience.id}")
    said = {"client_id": client["id"], "who": "client", "act": "given", "wording": "", "source": ""}
    empty = await shop.owner.send(f"{page}/people", **said)
    assert empty.status_code == 422 and "wording" in empty.text
    assert (await shop.owner.send(f"{page}/people", **said | {"wording": "Yes <b>please</b>"})).status_code == 303
    people = await shop.owner.see(f"{page}/people")
    assert "“Yes &lt;b&gt;please&lt;/b&gt;”" in people and client["email"] in people
    fair.chimp.send(CARLA, "Summer <offers>", sends=120, opens=60, clicks=9)
    await audience.poll()
    shown = await shop.owner.see(page)
    assert "Summer &lt;offers&gt;" in shown and "In step" in shown and client["email"] in shown
    (campaign,) = (await shop.owner.got("GET", f"{audience.path}/campaigns"))["items"]
    assert (campaign["sends"], campaign["opens"], campaign["clicks"], campaign["bounces"]) == (120, 60, 9, 2)
    wrong = await shop.owner.send(f"{page}/triggers", booked="not a journey")
    assert wrong.status_code == 422 and "journey/step" in wrong.text
    assert (await shop.owner.send(f"{page}/triggers", booked="1/2", six_months="event:soon")).status_code == 303
    assert "event:soon" in await shop.owner.see(page)
    # Switched off, all stays there as it is.
    list_id = fair.chimp.list_of(CARLA)
    assert (await shop.owner.send(page, list_id=list_id, is_on="")).status_code == 303
    await shop.say(client, "withdrawn")
    await shop.settle()
    assert fair.chimp.seen(CARLA)[client["email"]].status == "subscribed"
    assert (await shop.owner.ask("POST", f"{audience.path}/sync")).status_code == 409
    assert (await shop.owner.send(page, list_id=list_id, is_on="on")).status_code == 303
    await shop.settle()
    assert fair.chimp.seen(CARLA)[client["email"]].status == "unsubscribed"
    stranger = await fair.person("stranger")
    assert (await stranger.ask("GET", audience.path)).status_code == 404
    await stranger.see(page, code=404)


async def test_whichever_question_fails_the_next_look_goes_on_where_it_was(
    fair: Fair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of a run's questions in turn; what was done before it is not lost, and nothing is said to be done."""
    fair.forget()
    shop = await fair.shop()
    maria, tom = await shop.client("Maria Santos"), await shop.client("Tom Okafor")
    audience = await shop.connect()
    await shop.say(tom, "withdrawn")
    anew = "update marketing_progress set hook_asked_at = null, reports_at = null where audience_id = $1"
    outcomes: list[str] = []
    while "done" not in outcomes:
        await fair.admin.execute(anew, UUID(audience.id))
        await fair.admin.execute("delete from marketing_templates where audience_id = $1", UUID(audience.id))
        await shop.edit(maria, name=f"Maria {len(outcomes)}")
        broken, asked = len(outcomes) + 1, count(1)
        monkeypatch.setattr(fair.chimp.moods, "take", partial(_mood, asked, broken))
        await fair.admin.execute(RESUME, UUID(audience.id))
        await fair.admin.fetchval("select app.poke_due_marketing()")
        await shop.work()
        outcomes.append((await audience.state())["outcome"])
        assert len(outcomes) < 30
    assert set(outcomes[:-1]) == {"later"}
    assert len(outcomes) > 5
    monkeypatch.undo()
    await audience.poll()
    seen = fair.chimp.seen(CARLA)
    assert {email: seen[email].status for email in seen} == {
        maria["email"]: "subscribed",
        tom["email"]: "unsubscribed",
    }


def _mood(asked: "count[int]", broken: int) -> str:
    return driven.BROKEN if next(asked) == broken else "fine"


async def test_what_cannot_be_set_of_a_list_or_said_of_a_client_is_refused(fair: Fair) -> None:
    fair.forget()
    shop = await fair.shop()
    maria = await shop.client("Maria Santos", agrees=False)
    audience = await shop.connect()
    version = (await audience.state())["version"]
    same = {"list_id": fair.chimp.list_of(CARLA)}
    assert (await shop.owner.got("PATCH", audience.path, same))["version"] == version, "nothing changes"
    consents = f"/api/v1/suppliers/{shop.tenant}/clients"
    said = {"act": "given", "who": "client", "wording": WORDS, "source": "The fair"}
    twice = [{"milestone": "booked", "place": "1/2"}] * 2
    for method, path, body, code in (
        ("PUT", f"{audience.path}/triggers", {"triggers": twice}, 422),
        ("POST", f"{consents}/{maria['id']}/marketing-consents", said | {"who": "partner"}, 422),
        ("POST", f"{consents}/{maria['id']}/marketing-consents", said | {"wording": " "}, 422),
        ("POST", f"{consents}/{uuid4()}/marketing-consents", said, 404),
        ("PATCH", f"/api/v1/connections/{uuid4()}/marketing", same, 404),
    ):
        answer = await shop.owner.ask(method, path, body)
        assert answer.status_code == code, (path, answer.text)
    await shop.owner.got("PATCH", audience.path, {"is_on": False})
    assert (await shop.owner.ask("POST", f"{audience.path}/sync")).status_code == 409
