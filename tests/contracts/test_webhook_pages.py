"""The pages of webhooks: who may see them, the secret shown once, the log, switching off and on, sending again."""

import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from tests.contracts.certificates import Certificates
from tests.contracts.town import Town
from tests.contracts.webhook_desk import Desk
from wedsync.processes import registry
from wedsync.subscriptions import wording

SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{20,}")


@pytest_asyncio.fixture
async def couple(town: Town) -> Desk:
    ana = await town.person()
    wedding = await town.wedding(ana)
    return Desk(town, ana, f"/me/{wedding}/webhooks", f"/api/v1/weddings/{wedding}", wedding)


@pytest_asyncio.fixture
async def business(town: Town) -> Desk:
    made = await town.supplier()
    id = made.supplier
    return Desk(town, made.owner, f"/studio/{id}/webhooks", f"/api/v1/suppliers/{id}", id)


@pytest.mark.parametrize("face", ["couple", "business"])
async def test_the_secret_is_shown_once_and_on_no_other_page(face: str, couple: Desk, business: Desk) -> None:
    desk = couple if face == "couple" else business
    assert "No endpoints yet" in await desk.who.see(desk.path)
    form = {"id": str(uuid4()), "url": "https://example.com/hook", "events": ["wedding.*"], "description": "Our CRM"}
    answer = await desk.who.send(desk.path, **form)
    assert len(set(SECRET.findall(answer.text))) == 1
    again = await desk.who.send(desk.path, **form)
    here = f"{desk.path}/{form['id']}"
    assert (again.status_code, again.headers["location"]) == (303, here)
    rotated = await desk.who.send(f"{here}/rotate", version=1, overlap_hours=24)
    assert len(set(SECRET.findall(rotated.text)) - set(SECRET.findall(answer.text))) == 1
    assert "For 24 hours everything is signed with the old secret too" in rotated.text
    twice = await desk.who.send(f"{here}/rotate", version=1, overlap_hours=24)
    assert (twice.status_code, twice.headers["location"]) == (303, f"{here}?said=rotated")
    for page in ("", "/new", f"/{form['id']}", f"/{form['id']}/edit", f"/{form['id']}/rotate", f"/{form['id']}/remove"):
        text = await desk.who.see(desk.path + page)
        assert "whsec_" not in text, page
    assert "Our CRM" in await desk.who.see(desk.path)


async def test_pages_are_the_couples_or_the_owners_and_admins_alone(town: Town, couple: Desk, business: Desk) -> None:
    endpoint, theirs = await couple.add(), await business.add()
    member = await town.person("member")
    new = {"email": member.email, "role": "member"}
    await business.who.got("POST", f"{business.api}/members", new, code=201)
    helper_page = await couple.who.send(f"/me/{couple.tenant}/settings/helpers", name="Rui")
    token = re.search(r"/help/([\w.-]+)", helper_page.text)
    assert token is not None
    eve = await town.person("eve")
    for who, desk, id in (
        (eve, couple, endpoint),
        (eve, business, theirs),
        (member, business, theirs),
        (business.who, couple, endpoint),
        (couple.who, business, theirs),
    ):
        for page in ("", "/new", f"/{id}", f"/{id}/edit", f"/{id}/replay", f"/{id}/resume", f"/{id}/fragments/log"):
            assert "example.com" not in await who.see(desk.path + page, code=404)
        for end, fields in (
            ("pause", {}),
            ("remove", {}),
            ("rotate", {"overlap_hours": 0}),
            ("replay", {"what": "dead"}),
        ):
            assert (await who.send(f"{desk.path}/{id}/{end}", **fields)).status_code == 404, end
    await couple.who.see(f"{couple.path}/{theirs}", code=404)
    assert (await couple.who.send(f"{couple.path}/{theirs}/remove")).status_code == 404
    assert "Webhooks" not in await member.see(f"/studio/{business.tenant}/team")
    assert f'href="{business.path}"' in await business.who.see(f"/studio/{business.tenant}/team")


async def test_a_helper_finds_no_webhooks(town: Town, couple: Desk) -> None:
    helper = await town.person("helper")
    await town.admin.execute(
        "insert into memberships (wedding_id, person_id, role, name) values ($1, $2, 'helper', 'Rui')",
        UUID(couple.tenant),
        helper.id,
    )
    await helper.see(couple.path, code=404)
    assert (await helper.send(couple.path, id=str(uuid4()), url="https://a.test/x", events="*")).status_code == 404


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"url": "ftp://example.com/x"}, "does not start with https://"),
        ({"url": "https://ana:word@example.com/x"}, "user name or password"),
        ({"events": []}, "Choose at least one"),
        ({"events": [], "patterns": "rsvp; drop"}, "Choose at least one"),
        ({"description": "x" * 301}, "too long"),
    ],
)
async def test_what_cannot_be_is_said_beside_its_field(couple: Desk, fields: dict[str, Any], said: str) -> None:
    form = {"id": str(uuid4()), "url": "https://example.com/hook", "events": ["*"]} | fields
    answer = await couple.who.send(couple.path, **form)
    assert answer.status_code == 422
    assert said in answer.text
    assert "No endpoints yet" in await couple.who.see(couple.path)


async def test_ticks_and_written_patterns_are_kept_and_two_changes_are_chosen_between(couple: Desk) -> None:
    endpoint = await couple.add(events=["rsvp.*", "task.*"], patterns="wedding.changed, task.*")
    here = f"{couple.path}/{endpoint}"
    edit = await couple.who.see(f"{here}/edit")
    assert 'value="wedding.changed"' in edit
    assert re.search(r'value="rsvp\.\*" checked', edit)
    kept = await couple.who.got("GET", f"/api/v1/endpoints/{endpoint}")
    assert kept["events"] == ["rsvp.*", "task.*", "wedding.changed"]
    first: dict[str, Any] = {"url": "https://example.com/one", "events": ["*"], "version": 1}
    assert (await couple.who.send(here, **first)).status_code == 303
    second = await couple.who.send(here, **(first | {"url": "https://example.com/two"}))
    assert second.status_code == 412
    assert "https://example.com/one" in second.text
    assert (await couple.who.send(here, **first, headers={"if-match": '"2"'})).status_code == 303


async def test_the_log_is_filtered_and_read_page_by_page(couple: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = await couple.add()
    here = f"{couple.path}/{endpoint}"
    await couple.owe(80, 81)
    await couple.end(endpoint, "dead")
    await couple.owe(82)
    page = await couple.who.see(here)
    assert len(re.findall(r"/deliveries/[0-9a-f-]{36}", page)) == 3
    assert "On its way" in page and "Given up" in page and 'data-live-every="2"' in page
    assert "The receiver answered 500." in page
    failed = await couple.who.see(f"{here}/fragments/log?state=failed", part=True)
    assert len(re.findall(r"/deliveries/[0-9a-f-]{36}", failed)) == 2
    assert "No delivery stands like this" in await couple.who.see(f"{here}?state=parked")
    assert "No delivery stands like this" in await couple.who.see(f"{here}?state=failed&type=task.done")
    monkeypatch.setattr("wedsync.subscriptions.pages.log.PAGE", 2)
    first = await couple.who.see(here)
    more = re.search(r'href="([^"]*after=[^"]*)"', first)
    assert more is not None
    second = await couple.who.see(more[1].replace("&amp;", "&"))
    ids = re.findall(r"/deliveries/([0-9a-f-]{36})", first + second)
    assert len(set(ids)) == len(ids) == 3
    assert "is not a place in this list" in await couple.who.see(f"{here}?after=yesterday", code=422)
    await couple.who.see(f"{here}?state=x", code=422)


async def test_a_delivery_shows_its_tries_and_what_to_do(couple: Desk) -> None:
    endpoint = await couple.add()
    await couple.owe(80)
    (id,) = await couple.end(endpoint, "dead", status=404)
    page = await couple.who.see(f"{couple.path}/{endpoint}/deliveries/{id}")
    for words in (
        "answered 404",
        "There is nothing at this path",
        "203.0.113.9",
        "1.5 ms",
        "41 ms",
        "webhook-signature: •••",
    ):
        assert words in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    other = await couple.add()
    await couple.who.see(f"{couple.path}/{other}/deliveries/{id}", code=404)
    assert (await couple.who.send(f"{couple.path}/{other}/deliveries/{id}/replay")).status_code == 404
    sent = await couple.who.send(f"{couple.path}/{endpoint}/deliveries/{id}/replay")
    assert sent.headers["location"].endswith("?again=1")
    assert await couple.states(endpoint) == ["dead", "pending"]
    assert "A repeat" in await couple.who.see(f"{couple.path}/{endpoint}")


async def test_the_form_sets_how_we_prove_who_we_are_and_shows_no_secret_of_it(couple: Desk) -> None:
    proof = {"auth": "bearer", "auth_token": "CANARY-1", "own_headers": "X-Tenant: CANARY-2\n\nX-Two: 2"}
    endpoint = await couple.add(**proof)
    here = f"{couple.path}/{endpoint}"
    page, edit = await couple.who.see(here), await couple.who.see(f"{here}/edit")
    assert "Fixed token (Bearer), set. Own headers: x-tenant, x-two." in page
    assert "x-tenant: ••••••" in edit and "Set. Leave it empty to keep it." in edit
    assert "CANARY" not in page + edit
    form: dict[str, Any] = {"url": "https://example.com/hook", "events": ["wedding.*"], "auth": "bearer"}
    kept = form | {"own_headers": "x-tenant: ••••••", "version": 1, "auth_token": ""}
    assert (await couple.who.send(here, **kept)).status_code == 303
    assert "Own headers: x-tenant.<" in await couple.who.see(here)
    for fields, said in (
        ({"own_headers": "X-Tenant"}, "Your own headers hold a line without a colon"),
        ({"own_headers": "Host: a"}, "Your own headers hold &#39;Host&#39;, which is not yours to set"),
        ({"auth": "basic", "auth_username": "ana"}, "Password is missing"),
        ({"auth": "oauth2", "auth_token_url": "https://10.0.0.1/"}, "Address of the token server leads to a private"),
        ({"url": "https://elsewhere.example/", "own_headers": ""}, "Token is missing"),
        ({"auth": "mtls", "auth_certificate": "CANARY", "auth_key": "b"}, "Certificate cannot be read"),
    ):
        answer = await couple.who.send(here, **(form | {"version": 2} | fields))
        assert (answer.status_code, said in answer.text) == (422, True), said
        assert "CANARY" not in answer.text
    await couple.owe(80)
    (id,) = await couple.end(endpoint, "dead", status=500)
    delivery = await couple.who.see(f"{here}/deliveries/{id}")
    assert "CANARY" not in delivery
    sent = await couple.who.send(f"{here}/deliveries/{id}/replay", as_new="on")
    assert "1 delivery put back: sent again as new" in await couple.who.see(sent.headers["location"])
    new = (await couple.who.got("GET", f"{couple.api}/deliveries"))["items"][0]
    assert new["as_new"] and new["id"] in await couple.who.see(f"{here}/deliveries/{new['id']}")


async def test_a_certificate_that_is_soon_over_is_told_on_its_pages(couple: Desk, tmp_path: Path) -> None:
    certificate, key = Certificates(tmp_path).issued("us.example", days=9)
    endpoint = await couple.add(auth="mtls", auth_certificate=certificate, auth_key=key)
    for page in ("", f"/{endpoint}"):
        assert "The client certificate expires on" in await couple.who.see(couple.path + page)
    await couple.town.admin.execute(
        'update endpoints set auth = auth || \'{"expires_at": "2026-01-02T00:00:00Z"}\' where id = $1', UUID(endpoint)
    )
    assert "The client certificate expired on 2026-01-02" in await couple.who.see(f"{couple.path}/{endpoint}")


async def test_sending_again_is_counted_first_and_done_once(couple: Desk) -> None:
    endpoint = await couple.add()
    here = f"{couple.path}/{endpoint}"
    await couple.owe(80, 81)
    await couple.end(endpoint, "dead")
    await couple.owe(82)
    await couple.end(endpoint, "expired")
    counted = await couple.who.see(f"{here}/replay")
    assert "<b>2</b> would be sent again" in counted
    assert "<b>3</b> would be sent again" in await couple.who.see(f"{here}/replay?what=missed&span=24")
    assert "<b>0</b> would" in await couple.who.see(f"{here}/replay?what=missed&span=at&at=2999-01-01T00:00")
    await couple.who.see(f"{here}/replay?span=at&at=noon", code=422)
    assert await couple.states(endpoint) == ["dead", "dead", "expired"]
    since = re.search(r'name="since" value="([^"]+)"', counted)
    assert since is not None
    sent = await couple.who.send(f"{here}/replay", what="dead", since=since[1].replace("&#43;", "+"))
    assert sent.headers["location"] == f"{here}?again=2"
    assert "2 deliveries put back" in await couple.who.see(f"{here}?again=2")
    twice = await couple.who.send(f"{here}/replay", what="dead", since=since[1].replace("&#43;", "+"))
    assert twice.headers["location"] == f"{here}?again=0"
    recover = f"/api/v1/endpoints/{endpoint}/recover"
    asked = {"since": "2020-01-01T00:00:00Z", "dry_run": True}
    assert await couple.who.got("POST", recover, asked, code=202) == {"replayed": 1, "dry_run": True}
    assert (await couple.states(endpoint)).count("pending") == 2


@pytest.mark.parametrize(("keep", "left"), [("all", "pending"), ("none", "cancelled")])
async def test_what_waited_is_sent_or_let_go_as_was_chosen(couple: Desk, keep: str, left: str) -> None:
    endpoint = await couple.add()
    here = f"{couple.path}/{endpoint}"
    assert (await couple.who.send(f"{here}/pause", version=1)).status_code == 303
    assert "Paused by its owner" in await couple.who.see(here)
    await couple.owe(80)
    await couple.town.admin.execute("update jobs set run_at = 'infinity' where destination_id = $1", UUID(endpoint))
    await couple.town.admin.execute(
        "update deliveries set state = 'parked', reason = 'paused by its owner' where destination_id = $1",
        UUID(endpoint),
    )
    assert "These wait until the endpoint is resumed" in await couple.who.see(f"{here}?state=parked")
    asked = await couple.who.see(f"{here}/resume")
    assert "1 delivery waits" in asked
    version = re.search(r'name="version" value="(\d+)"', asked)
    assert version is not None
    assert (await couple.who.send(f"{here}/resume", version=version[1], keep="some")).status_code == 422
    late = await couple.who.send(f"{here}/resume", version=1, keep=keep)
    assert late.headers["location"] == f"{here}?said=changed"
    assert await couple.states(endpoint) == ["parked"]
    assert (await couple.who.send(f"{here}/resume", version=version[1], keep=keep)).status_code == 303
    assert await couple.states(endpoint) == [left]
    assert "Active" in await couple.who.see(here)


async def park(desk: Desk, endpoint: str) -> list[str]:
    """As the worker would, when each was refused three times; the ids, oldest first."""
    await desk.town.admin.execute("update jobs set run_at = 'infinity' where destination_id = $1", UUID(endpoint))
    rows = await desk.town.admin.fetch(
        """update deliveries set state = 'parked', reason = 'The receiver answered 404.', attempts = 3
        where destination_id = $1 and done_at is null returning id, made_at""",
        UUID(endpoint),
    )
    return [str(row["id"]) for row in sorted(rows, key=lambda row: row["made_at"])]


async def test_what_waits_for_a_person_is_listed_sent_and_cancelled(couple: Desk) -> None:
    endpoint = await couple.add()
    here = f"{couple.path}/{endpoint}"
    await couple.owe(80, 81, 82, 83)
    one, two, *_ = await park(couple, endpoint)
    listed = await couple.who.see(f"{here}?state=parked")
    assert "These wait for you" in listed and "refused each time" in listed
    assert listed.count("/release") == 5 and listed.count("/cancel") == 4
    page = await couple.who.see(f"{here}/deliveries/{two}")
    assert "Send it" in page and "Cancel it" in page
    sent = await couple.who.send(f"{here}/deliveries/{one}/release")
    assert sent.headers["location"] == f"{here}?released=1"
    assert "1 delivery on the way again" in await couple.who.see(f"{here}?released=1")
    assert (await couple.who.send(f"{here}/deliveries/{two}/cancel")).headers["location"] == f"{here}/deliveries/{two}"
    ended = await couple.who.see(f"{here}/deliveries/{two}")
    assert "Cancelled" in ended and "<dt>By</dt>" in ended and "Cancel it" not in ended
    assert (await couple.who.send(f"{here}/deliveries/{two}/cancel")).status_code == 303
    assert (await couple.who.send(f"{here}/release", type="task.done")).headers["location"].endswith("released=0")
    assert (await couple.who.send(f"{here}/release", type="")).headers["location"].endswith("released=2")
    assert await couple.states(endpoint) == ["pending", "cancelled", "pending", "pending"]
    other = await couple.add()
    for action in ("release", "cancel"):
        answer = await couple.who.send(f"{couple.path}/{other}/deliveries/{one}/{action}")
        assert answer.status_code == 404


async def test_the_page_of_a_delivery_says_how_many_wait_behind_it(couple: Desk) -> None:
    endpoint = await couple.add()
    await couple.town.admin.execute("update subscriptions set mode = 'ordered' where id = $1", UUID(endpoint))
    await couple.owe(90, 91, 92)
    ordered = "update jobs set order_key = $1, order_seq = extract(epoch from made_at) * 1e6 where destination_id = $1"
    await couple.town.admin.execute(ordered, UUID(endpoint))
    first, second, last = await park(couple, endpoint)
    for one, words in ((first, "2 wait behind this one"), (second, "1 waits behind this one")):
        assert words in await couple.who.see(f"{couple.path}/{endpoint}/deliveries/{one}")
    assert "behind this one" not in await couple.who.see(f"{couple.path}/{endpoint}/deliveries/{last}")


async def test_an_endpoint_says_why_nothing_is_sent_to_it(couple: Desk) -> None:
    endpoint = await couple.add(url="https://tired.example/hook")
    trip = "update destinations set breaker_failures = 5, breaker_until = clock_timestamp() + $2 where id = $1"
    await couple.town.admin.execute(trip, UUID(endpoint), timedelta(minutes=2))
    await couple.town.admin.execute(
        "insert into hosts (host, open_until) values ('tired.example:443', clock_timestamp() - interval '1 second')"
    )
    await couple.town.admin.execute(
        "update endpoints set failing_since = '2026-11-01 10:00Z' where id = $1", UUID(endpoint)
    )
    for path in ("", f"/{endpoint}"):
        page = await couple.who.see(couple.path + path)
        assert "Left alone just now" in page
        assert "It failed 5 times in a row" in page and "left alone until" in page
        assert "Its host, tired.example, fails several endpoints. One delivery tries now" in page
        assert "Nothing was delivered since 2026-11-01 10:00 UTC" in page
    await couple.town.admin.execute("delete from hosts")


async def test_removing_is_asked_and_takes_it_off_the_list(couple: Desk) -> None:
    endpoint = await couple.add(description=f"CRM {secrets.token_hex(4)}")
    assert "Remove CRM" in await couple.who.see(f"{couple.path}/{endpoint}/remove")
    assert (await couple.who.send(f"{couple.path}/{endpoint}/remove")).headers["location"] == couple.path
    assert "No endpoints yet" in await couple.who.see(couple.path)
    await couple.who.see(f"{couple.path}/{endpoint}", code=404)


def test_the_picker_offers_every_type_to_whom_it_may_come() -> None:
    types = set(registry.catalogue().types)
    offered = wording.offered("couple") | wording.offered("supplier")
    nouns = {pattern.partition(".")[0] for pattern in offered} - {"*"}
    assert nouns <= {t.partition(".")[0] for t in types}
    # What is one person's own, or the operator's.
    alone = {"session", "inbox", "digest", "mail_provider"}
    assert {t.partition(".")[0] for t in types} - nouns <= alone
