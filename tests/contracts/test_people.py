"""People through the door: signing in by a mailed link, tokens, API keys, the inbox, and leaving again."""

import re
import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace

from tests.contracts.town import SAME_ORIGIN, Somebody, Town, built
from tests.engines_fixture import Database, RunningPostgres
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.config import Settings
from wedsync.web import auth

LINK = re.compile(r"/sign-in/(?P<token>[\w-]+)\?next=(?P<next>\S+)")


@pytest_asyncio.fixture(scope="module")
async def town(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[Town]:
    async with built(database, postgres, replace(settings, sign_ins_per_address=1000)) as made:
        yield made


def new_address() -> str:
    return f"new.{secrets.token_hex(6)}@example.test"


async def link_to(town: Town, email: str) -> re.Match[str]:
    """The link in the newest mail to an address."""
    async with town.door.bare(ANONYMOUS) as tx:
        person = await tx.value("select app.person_for($1)", email)
    found = LINK.search((await town.mails(person))[-1]["text"])
    assert found is not None
    return found


async def signed_in(town: Town, email: str) -> tuple[httpx.Response, str]:
    """Ask, read the mail, press the button: the answer, and the path it was at."""
    await town.public.send("/sign-in", email=email, next="/me")
    path = f"/sign-in/{(await link_to(town, email))['token']}"
    return await town.public.send(f"{path}?next=/me", headers=SAME_ORIGIN), path


def with_cookie(answer: httpx.Response) -> dict[str, str]:
    return {"cookie": f"{auth.COOKIE}={answer.cookies[auth.COOKIE]}"}


async def test_the_first_page_offers_to_sign_in_and_says_why_when_a_page_was_wanted(town: Town) -> None:
    assert "Send me the link" in await town.public.see("/")
    assert "Please sign in to go on." in await town.public.see("/?next=/me/1/guests")


async def test_whoever_is_signed_in_goes_on_from_the_first_page(town: Town) -> None:
    ana = await town.person()
    answer = await ana.ask("GET", "/?next=/studio/1", accept="text/html")
    assert (answer.status_code, answer.headers["location"]) == (303, "/studio/1")


async def test_a_link_is_mailed_and_the_page_is_the_same_for_every_address(town: Town) -> None:
    email = new_address()
    shown = await town.public.send("/sign-in", email=email.upper(), next="/me/7")
    assert shown.status_code == 200
    assert email in shown.text
    assert (await link_to(town, email))["next"] == "/me/7"


async def test_the_page_after_asking_can_send_it_again(town: Town) -> None:
    email = new_address()
    shown = await town.public.send("/sign-in", email=email)
    action = re.search(r'<form method="post" action="(?P<at>[^"]+)"><input type="hidden" name="email"', shown.text)
    assert action is not None
    again = await town.public.send(action["at"], email=email)
    assert again.status_code == 200
    async with town.door.bare(ANONYMOUS) as tx:
        person = await tx.value("select app.person_for($1)", email)
    assert len(await town.mails(person)) == 2


@pytest.mark.parametrize("email", ["ana", "", "a b@example.test", "a@" + "x" * 320])
async def test_what_is_no_address_is_asked_for_again(town: Town, email: str) -> None:
    shown = await town.public.send("/sign-in", email=email)
    assert shown.status_code == 422
    assert "does not look like an e-mail address" in shown.text


async def test_looking_at_the_link_does_not_use_it_up(town: Town) -> None:
    """ASVS 6.6.3: programs that look into mails follow links."""
    email = new_address()
    await town.public.send("/sign-in", email=email)
    path = f"/sign-in/{(await link_to(town, email))['token']}"
    for _ in range(2):
        page = await town.public.see(path)
        assert "Sign me in" in page
        assert "data-submit-now" not in page
    assert (await town.public.send(path, headers=SAME_ORIGIN)).status_code == 303


async def test_a_link_signs_in_once(town: Town) -> None:
    """ASVS 6.5.1"""
    answer, path = await signed_in(town, new_address())
    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    said = answer.headers["set-cookie"].lower()
    assert auth.COOKIE in said
    assert "httponly" in said
    assert "samesite=lax" in said
    again = await town.public.send(path, headers=SAME_ORIGIN)
    assert again.status_code == 410
    assert "has been used or has expired" in again.text


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example/x", "/\\evil.example", "evil", ""])
async def test_after_signing_in_nobody_is_sent_to_another_site(town: Town, elsewhere: str) -> None:
    email = new_address()
    await town.public.send("/sign-in", email=email, next=elsewhere)
    link = await link_to(town, email)
    assert link["next"] == "/me"
    answer = await town.public.send(f"/sign-in/{link['token']}?next={elsewhere}", headers=SAME_ORIGIN)
    assert answer.headers["location"] == "/me"


async def test_signing_out_ends_the_session(town: Town) -> None:
    """ASVS 7.4.1"""
    answer, _ = await signed_in(town, new_address())
    cookie = with_cookie(answer)
    me = await town.public.got("GET", "/api/v1/me", **cookie)
    out = await town.public.send("/auth/sign-out", headers=cookie)
    assert (out.status_code, out.headers["location"]) == (303, "/")
    assert (await town.public.ask("GET", "/api/v1/me", **cookie)).status_code == 401
    (ended,) = await town.events(me["id"], "session.ended", kind="person")
    assert ended.record is not None
    assert ended.record["ended_at"] is not None
    assert "token_hash" not in ended.record


async def test_signing_out_without_a_session_only_leads_to_the_first_page(town: Town) -> None:
    assert (await town.public.send("/auth/sign-out")).headers["location"] == "/"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"origin": "http://test"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "http://test"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({}, 403),
    ],
)
async def test_a_cookie_on_a_request_from_elsewhere_is_refused(town: Town, headers: dict[str, str], code: int) -> None:
    """ASVS 3.5.1"""
    answer, _ = await signed_in(town, new_address())
    said = await town.public.ask("POST", "/auth/token", **with_cookie(answer), **headers)
    assert said.status_code == code, said.text


async def test_a_session_gets_an_access_token_that_works_and_a_key_does_not(town: Town) -> None:
    ana = await town.person()
    token = await ana.got("POST", "/auth/token")
    assert (token["token_type"], token["expires_in"]) == ("bearer", 600)
    program = Somebody(town.app, bearer=token["access_token"])
    assert (await program.got("GET", "/api/v1/me"))["id"] == str(ana.id)
    key = (await ana.got("POST", "/api/v1/api-keys", {"name": "CRM"}, code=201))["secret"]
    refused = await Somebody(town.app, bearer=key).got("POST", "/auth/token", code=403)
    assert refused["code"] == "session_required"
    assert (await town.public.ask("POST", "/auth/token")).status_code == 401


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer wsk_unknown", "Basic YTpi", "Bearer ", "wsk_x"])
async def test_an_unknown_bearer_is_told_how_to_get_a_good_one(town: Town, header: str) -> None:
    answer = await town.public.ask("GET", "/api/v1/me", authorization=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "POST /auth/token" in answer.text


async def test_a_program_may_ask_for_a_link_too(town: Town) -> None:
    email = new_address()
    await town.public.got("POST", "/auth/sign-in", {"email": email}, code=202)
    assert (await link_to(town, email))["next"] == "/me"
    assert (await town.public.ask("POST", "/auth/sign-in", {"email": "no"})).status_code in (400, 422)


async def test_a_key_acts_for_its_person_until_it_is_withdrawn(town: Town) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    made = await ana.got("POST", "/api/v1/api-keys", {"name": "CRM"}, code=201)
    assert made["secret"].startswith(made["prefix"])
    (listed,) = (await ana.got("GET", "/api/v1/api-keys"))["items"]
    assert listed["secret"] is None
    key = Somebody(town.app, bearer=made["secret"])
    assert (await key.got("GET", f"/api/v1/weddings/{wedding}"))["couple_names"] == "Ana & Ben"
    changed = await key.got("PATCH", f"/api/v1/weddings/{wedding}", {"guest_estimate": 90})
    assert changed["guest_estimate"] == 90
    assert (await town.events(wedding, "wedding.estimate_changed"))[-1].actor.kind == "key"
    another = await key.got("POST", "/api/v1/api-keys", {"name": "More"}, code=403)
    assert another["code"] == "session_required"
    await ana.got("DELETE", f"/api/v1/api-keys/{made['id']}", code=204)
    assert (await ana.got("GET", "/api/v1/api-keys"))["items"] == []
    await ana.got("DELETE", f"/api/v1/api-keys/{made['id']}", code=404)
    town.app.state.lookups["key"]._known.clear()
    assert (await key.ask("GET", "/api/v1/me")).status_code == 401


async def test_a_key_may_be_narrowed_to_one_wedding(town: Town) -> None:
    ana = await town.person()
    here, elsewhere = await town.wedding(ana), await town.wedding(ana)
    made = await ana.got("POST", "/api/v1/api-keys", {"name": "One", "tenant_id": here}, code=201)
    key = Somebody(town.app, bearer=made["secret"])
    await key.got("GET", f"/api/v1/weddings/{here}")
    await key.got("GET", f"/api/v1/weddings/{elsewhere}", code=404)


async def test_nobody_withdraws_another_persons_key(town: Town) -> None:
    ana, eve = await town.person(), await town.person("eve")
    made = await ana.got("POST", "/api/v1/api-keys", {"name": "CRM"}, code=201)
    await eve.got("DELETE", f"/api/v1/api-keys/{made['id']}", code=404)
    assert len((await ana.got("GET", "/api/v1/api-keys"))["items"]) == 1


async def test_me_lists_the_places_of_a_person(town: Town) -> None:
    ana = await town.person()
    assert (await ana.got("GET", "/api/v1/me"))["places"] == []
    wedding = await town.wedding(ana)
    business = await town.supplier()
    (place,) = (await ana.got("GET", "/api/v1/me"))["places"]
    assert (place["kind"], place["id"], place["role"]) == ("wedding", wedding, "couple")
    (place,) = (await business.owner.got("GET", "/api/v1/me"))["places"]
    assert (place["kind"], place["id"], place["role"]) == ("supplier", business.supplier, "owner")


async def test_notices_are_read_once_and_by_their_person_alone(town: Town) -> None:
    ana = await town.person()
    wedding = await town.wedding(ana)
    business = await town.linked(ana, wedding)
    for venue in ("Elm Barn", "Oak Hall"):
        await ana.got("PATCH", f"/api/v1/weddings/{wedding}", {"ceremony_venue": venue})
    await town.react(wedding)
    owner = business.owner
    newest, older = (await owner.got("GET", "/api/v1/me/inbox"))["items"][:2]
    assert newest["read_at"] is None
    assert "Oak Hall" in newest["detail"]
    page = await owner.got("GET", "/api/v1/me/inbox?limit=1")
    assert page["items"][0]["id"] == newest["id"]
    assert (await owner.got("GET", f"/api/v1/me/inbox?limit=1&cursor={page['next']}"))["items"][0]["id"] == older["id"]
    for who in (ana, owner, owner):
        await who.got("POST", f"/api/v1/me/inbox/{newest['id']}/read", code=204)
    assert (await owner.got("GET", "/api/v1/me/inbox"))["items"][0]["read_at"] is not None
    assert len(await town.events(owner.id or "", "notice.read", kind="person")) == 1


@pytest.mark.parametrize(("chosen", "kept"), [("dark", "dark"), ("light", "light"), ("neon", "auto")])
async def test_the_look_of_pages_is_remembered(town: Town, chosen: str, kept: str) -> None:
    answer = await town.public.send("/theme", theme=chosen, next="/?a=1")
    assert (answer.status_code, answer.headers["location"], answer.cookies["theme"]) == (303, "/?a=1", kept)
    page = await town.public.ask("GET", "/", accept="text/html", cookie=f"theme={kept}")
    assert re.findall(r'<html[^>]* data-theme="(\w+)"', page.text) == [kept] * (kept != "auto")


async def test_beginning_as_a_couple_or_as_a_business(town: Town) -> None:
    ana, mira = await town.person(), await town.person("mira")
    assert "What brings you here" in await ana.see("/me")
    assert "Tell us your name" in (await ana.send("/start", kind="couple", name="", couple_names="A & B")).text
    assert "A name is needed" in (await ana.send("/start", kind="couple", name="Ana", couple_names="")).text
    begun = await ana.send("/start", kind="couple", name="Ana", couple_names="Ana & Ben", on="2027-06-05")
    assert begun.status_code == 303
    assert begun.headers["location"].startswith("/me/")
    home = await ana.ask("GET", "/me", accept="text/html")
    assert home.headers["location"] == begun.headers["location"]
    assert "Start another" in await ana.see("/me?new=1")
    assert (await ana.got("GET", "/api/v1/me"))["name"] == "Ana"
    begun = await mira.send("/start", kind="supplier", name="Mira", supplier_name="Hartley", category="photographer")
    assert begun.headers["location"].startswith("/studio/")
    await mira.see(begun.headers["location"])


async def test_a_date_that_nobody_marries_on_is_shown_beside_its_field(town: Town) -> None:
    ana = await town.person()
    shown = await ana.send("/start", kind="couple", name="Ana", couple_names="Ana & Ben", on="0206-06-05")
    assert shown.status_code == 422
    assert "Check the year" in shown.text
