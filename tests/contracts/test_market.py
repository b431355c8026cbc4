"""The public door of a business: its page and address, what a couple asks there, and what becomes of it."""

import secrets
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.town import Linked, Somebody, Town
from wedsync.market.model import RESERVED, proposals, slug_of
from wedsync.market.pages.public import BODY_BYTES_MAX, COPIES, TRIES

ABOUT = {"tagline": "Quiet pictures", "place": "Porto, Portugal", "about": "We see people.\n\nTwenty days a year."}
WORK = [{"title": "Maria & Tom", "url": "https://gallery.example.com/maria"}]


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A business with a published page."""

    town: Town
    owner: Somebody
    supplier: str
    slug: str

    @property
    def listing(self) -> str:
        return f"/api/v1/suppliers/{self.supplier}/listing"

    @property
    def enquiries(self) -> str:
        return f"/api/v1/suppliers/{self.supplier}/enquiries"

    async def asks(self, *, code: int = 303, **fields: Any) -> str:
        """Somebody sends the form; the page they see, or where they are sent."""
        answer = await self.town.public.send(f"/s/{self.slug}/enquiry", **form(**fields))
        assert answer.status_code == code, answer.text
        return answer.headers["location"] if code == 303 else answer.text

    async def react(self) -> None:
        """Let everything happen that the business's facts owe."""
        await self.town.reactions(self.supplier)

    async def got(self) -> list[dict[str, Any]]:
        """The enquiries, newest first."""
        found: list[dict[str, Any]] = (await self.owner.got("GET", self.enquiries))["items"]
        return found


def form(**fields: Any) -> dict[str, Any]:
    """A form that can be sent."""
    filled = {"name": "Maria Santos", "email": f"maria.{secrets.token_hex(4)}@example.org", "form_key": str(uuid4())}
    return filled | {"message": "Are you free?"} | fields


async def opened(town: Town, **fields: Any) -> Shop:
    business: Linked = await town.supplier()
    shop = Shop(town=town, owner=business.owner, supplier=business.supplier, slug=f"shop-{secrets.token_hex(5)}")
    body = {"slug": shop.slug, "is_published": True, "portfolio": WORK, **ABOUT} | fields
    await shop.owner.got("PUT", shop.listing, body)
    return shop


@pytest_asyncio.fixture
async def shop(town: Town) -> Shop:
    return await opened(town)


async def test_a_page_is_shown_when_it_is_published_and_not_before(town: Town) -> None:
    shop = await opened(town, is_published=False)
    await town.public.see(f"/s/{shop.slug}", code=404)
    assert (await town.public.send(f"/s/{shop.slug}/enquiry", name="Eve")).status_code == 404
    page = {"slug": shop.slug, "is_published": True, "portfolio": WORK, **ABOUT}
    made = await shop.owner.got("PUT", shop.listing, page, if_match='"1"')
    assert (made["version"], made["url"].endswith(f"/s/{shop.slug}")) == (2, True)
    text = await town.public.see(f"/s/{shop.slug}")
    for words in (
        "Marlow Photo",
        "Photographer",
        "Quiet pictures",
        "<p>Twenty days a year.</p>",
        "gallery.example.com",
    ):
        assert words in text
    assert 'name="robots"' not in text
    late = await shop.owner.got("PUT", shop.listing, page, code=412, if_match='"1"')
    assert late["code"] == "changed_meanwhile"
    await shop.owner.got("PUT", shop.listing, page | {"takes_enquiries": False})
    assert "takes no enquiries" in await town.public.see(f"/s/{shop.slug}")
    assert (await town.public.send(f"/s/{shop.slug}/enquiry", **form())).status_code == 404
    [first, *_] = await town.events(shop.supplier, "listing.changed", kind="supplier")
    assert first.op == "INSERT"


async def test_an_address_is_one_businesss_and_passes_for_no_page_of_ours(town: Town, shop: Shop) -> None:
    other = await opened(town)
    taken = await other.owner.got("PUT", other.listing, {"slug": shop.slug.upper(), "place": "Porto"}, code=409)
    assert (taken["code"], taken["free"]) == ("slug_taken", f"{shop.slug}-porto")
    for slug in (
        "ab",
        "-abc",
        "abc-",
        "a_b_c",
        "münchen",
        "a b c",
        "x" * 63,
        "",
        "..",
        *sorted(RESERVED)[:3],
        "studio",
    ):
        refused = await other.owner.got("PUT", other.listing, {"slug": slug}, code=422)
        assert refused["errors"][0]["field"] == "slug", slug
    await shop.owner.got("PUT", shop.listing, {"slug": f"{shop.slug}-new", "is_published": True})
    await town.public.see(f"/s/{shop.slug}", code=404)
    await other.owner.got("PUT", other.listing, {"slug": shop.slug})
    for url in ("http://a.example.com", "https://10.0.0.1/", "javascript:alert(1)", "https://u:p@a.example.com"):
        body = {"slug": other.slug, "portfolio": [{"title": "A", "url": url}]}
        assert (await other.owner.ask("PUT", other.listing, body)).status_code == 422, url


def test_an_address_is_made_of_a_name() -> None:
    assert slug_of("Petal & Frame Photography") == "petal-and-frame-photography"
    assert slug_of("  Émile’s Café — Köln ") == "emiles-cafe-koln"
    assert slug_of("株式会社") == ""
    assert proposals("studio", "Porto, Portugal")[0] == "studio-porto"
    assert all(len(one) < 63 for one in proposals("x" * 62, "Porto"))


async def test_an_enquiry_becomes_a_client_and_everybody_is_told(town: Town, shop: Shop) -> None:
    email = f"maria.{secrets.token_hex(4)}@example.org"
    where = await shop.asks(
        email=email,
        partner_name="Tom",
        wedding_on="2099-06-05",
        venue="Serra",
        message="Are you free?\n\n<b>Please</b>",
    )
    assert where == f"/s/{shop.slug}/sent"
    said = await town.public.see(where)
    assert "Nobody has read it yet" in said
    assert "Maria" not in said
    await shop.react()
    [asked] = await shop.got()
    assert (asked["state"], asked["couple_names"], asked["wedding_on"]) == (
        "received",
        "Maria Santos & Tom",
        "2099-06-05",
    )
    client = await shop.owner.got("GET", f"/api/v1/suppliers/{shop.supplier}/clients/{asked['client_id']}")
    assert (client["stage"], client["source"], client["email"]) == ("enquiry", "marketplace", email)
    days = await town.admin.fetchval(
        "select extract(day from attributed_until - received_at)::int from enquiries where supplier_id = $1::uuid",
        shop.supplier,
    )
    assert days == 180
    told = await town.mails(shop.supplier, to=shop.owner.email)
    assert (told[0]["reply_to"], "<b>Please</b>" in told[0]["text"]) == (email, True)
    assert "<b>Please" not in told[0]["html"]
    [copy] = await town.mails(shop.supplier, to=email)
    assert "nothing is booked" in copy["text"]
    assert "Please" not in copy["text"] + copy["subject"]
    titles = await town.admin.fetch("select title, href from inbox where person_id = $1", shop.owner.id)
    assert titles[0]["title"] == "Maria Santos & Tom ask about 5 Jun 2099"
    assert titles[0]["href"].endswith(asked["id"])
    types = [
        e.type for e in await town.events(shop.supplier, kind="supplier") if e.type.startswith(("enquiry", "client"))
    ]
    assert types == ["enquiry.received", "client.added", "enquiry.filed"]


async def test_a_couple_that_was_known_before_owes_nothing_to_the_page(town: Town, shop: Shop) -> None:
    email = f"ana.{secrets.token_hex(4)}@example.org"
    known: dict[str, Any] = {"name": "Ana Lopez", "email": email}
    client = await shop.owner.got("POST", f"/api/v1/suppliers/{shop.supplier}/clients", known, code=201)
    await shop.asks(**known)
    await shop.asks(name="New Nora", email=f"nora.{secrets.token_hex(4)}@example.org")
    await shop.react()
    nora, ana = await shop.got()
    assert (ana["client_id"], ana["attributed_until"]) == (client["id"], None)
    assert nora["attributed_until"] is not None
    await shop.asks(name="New Nora", email=nora["email"], message="And one thing more")
    await shop.react()
    again = (await shop.got())[0]
    assert (again["client_id"], again["attributed_until"]) == (nora["client_id"], None)


async def test_a_link_knows_whether_it_began_on_the_page(town: Town, ana: Somebody, wedding: str, shop: Shop) -> None:
    await shop.asks()
    await shop.react()
    [asked] = await shop.got()
    invited = {"supplier_name": "Marlow", "email": shop.owner.email}
    link = (await ana.got("POST", f"/api/v1/weddings/{wedding}/links", invited, code=201))["id"]
    await shop.owner.got("POST", f"/api/v1/links/{link}/answer", {"supplier_id": shop.supplier}, code=204)
    began = "select enquiry_id::text from app.attribution_of_link($1::uuid, $2::uuid)"
    assert await town.admin.fetchval(began, shop.supplier, link) is None
    joined = "update clients set wedding_id = $2::uuid, link_id = $3::uuid where id = $1::uuid"
    await town.admin.execute(joined, asked["client_id"], wedding, link)
    assert await town.admin.fetchval(began, shop.supplier, link) == asked["id"]


async def test_a_form_sent_twice_is_one_enquiry(shop: Shop) -> None:
    key = str(uuid4())
    for _ in range(3):
        assert (await shop.asks(form_key=key)).endswith("/sent")
    await shop.react()
    assert len(await shop.got()) == 1
    assert len(await shop.town.mails(shop.supplier, to=shop.owner.email)) == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " \u200b ", "Tell them who asks"),
        ("email", "nowhere at all", "name@example.com"),
        ("message", "", "a line or two"),
        ("message", "x" * 4001, "Shorten it"),
        ("wedding_on", "2020-01-01", "Check the year"),
        ("wedding_on", "soon", "not a date"),
        ("form_key", "mine", "Open the page again"),
        ("company", "Best SEO Ltd", "tell people from programs"),
    ],
)
async def test_what_nobody_could_answer_is_shown_again(shop: Shop, field: str, value: str, words: str) -> None:
    text = await shop.asks(code=422, phone="+351 210 000 000", **{field: value})
    assert words in text
    assert "+351 210 000 000" in text
    assert await shop.got() == []


async def test_many_forms_and_large_ones_are_refused_before_they_are_read(town: Town, shop: Shop) -> None:
    large = await town.public.send(f"/s/{shop.slug}/enquiry", **form(message="x" * BODY_BYTES_MAX))
    assert large.status_code == 413
    for _ in range(TRIES.count - 1):
        await shop.asks(code=422, message="")
    assert "Wait an hour" in await shop.asks(code=429)
    assert await shop.got() == []


async def test_nobodys_mailbox_is_filled_by_strangers(town: Town) -> None:
    email = f"victim.{secrets.token_hex(4)}@example.org"
    mails = 0
    for _ in range(COPIES.count + 2):
        shop = await opened(town)
        await shop.asks(email=email)
        await shop.react()
        assert len(await shop.got()) == 1
        mails += len(await town.mails(shop.supplier, to=email))
    assert mails == COPIES.count


async def test_an_enquiry_is_answered_or_declined_once(town: Town, shop: Shop) -> None:
    for name in ("Maria Santos", "Nora Nolan"):
        await shop.asks(name=name, wedding_on="2099-06-05")
    await shop.react()
    nora, maria = await shop.got()
    path = f"{shop.enquiries}/{maria['id']}"
    await shop.owner.got("POST", f"{path}/answer", {"message": " \n "}, code=422)
    await shop.owner.got("POST", f"{path}/answer", {"message": "Yes!"}, code=412, if_match='"7"')
    done = await shop.owner.got("POST", f"{path}/answer", {"message": "Yes, we are free."})
    assert (done["state"], done["reply"], done["message"]) == ("answered", "Yes, we are free.", "Are you free?")
    twice = await shop.owner.got("POST", f"{path}/decline", {}, code=409)
    assert twice["code"] == "enquiry_settled"
    await shop.owner.got("POST", f"{shop.enquiries}/{nora['id']}/decline", {})
    await shop.react()
    answer = (await town.mails(shop.supplier, to=maria["email"]))[-1]
    assert (answer["reply_to"], "Yes, we are free." in answer["text"]) == (shop.owner.email, True)
    assert "wish you a wonderful day" in (await town.mails(shop.supplier, to=nora["email"]))[-1]["text"]
    clients = f"/api/v1/suppliers/{shop.supplier}/clients"
    assert (await shop.owner.got("GET", f"{clients}/{nora['client_id']}"))["stage"] == "cancelled"
    assert (await shop.owner.got("GET", f"{clients}/{maria['client_id']}"))["stage"] == "enquiry"
    assert [one["id"] for one in (await shop.owner.got("GET", f"{shop.enquiries}?state=declined"))["items"]] == [
        nora["id"]
    ]
    page = await shop.owner.got("GET", f"{shop.enquiries}?limit=1")
    rest = await shop.owner.got("GET", f"{shop.enquiries}?limit=1&cursor={quote(page['next'])}")
    assert [one["id"] for one in rest["items"]] == [maria["id"]]


async def test_what_was_asked_is_sealed_and_the_teams_alone(town: Town, shop: Shop) -> None:
    word = f"cnry{secrets.token_hex(6)}"
    await shop.asks(name=word, message=word)
    await shop.react()
    [asked] = await shop.got()
    stranger, colleague = await town.person(), await town.person("colleague")
    await shop.owner.got(
        "POST", f"/api/v1/suppliers/{shop.supplier}/members", {"email": colleague.email, "role": "member"}, code=201
    )
    assert (await colleague.got("GET", f"{shop.enquiries}/{asked['id']}"))["message"] == word
    await colleague.got("POST", f"{shop.enquiries}/{asked['id']}/answer", {"message": "Hello"}, code=403)
    await colleague.got("PUT", shop.listing, {"slug": shop.slug}, code=403)
    for path in (shop.listing, shop.enquiries, f"{shop.enquiries}/{asked['id']}"):
        await stranger.got("GET", path, code=404)
    dump = await town.admin.fetchval("select string_agg(e::text, '') from enquiries e")
    logged = await town.admin.fetchval(
        "select string_agg(e.record::text, '') from events e where stream_id = $1::uuid", shop.supplier
    )
    assert word not in dump + logged
