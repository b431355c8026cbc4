"""The studio's pages of the market: the public page written, looked at and published; enquiries answered."""

import re
import secrets
from typing import Any

from tests.contracts.test_market import form
from tests.contracts.town import Linked, Somebody, Town

WORDS = {"tagline": "Quiet pictures", "place": "Porto", "about": "One.\n\nTwo."}


async def written(business: Linked, rest: str = "", **fields: Any) -> Any:
    """The editor's form, as a browser sends it."""
    works = {"work_title": ["Maria", "", ""], "work_url": ["gallery.example.com/maria", "https://b.example.com/x", ""]}
    filled = {"slug": f"shop-{secrets.token_hex(5)}", "takes_enquiries": "on", **WORDS, **works} | fields
    return await business.owner.send(f"/studio/{business.supplier}/page{rest}", **filled)


async def test_a_page_is_written_looked_at_and_published(town: Town) -> None:
    name = f"Moss & Fern {secrets.token_hex(4)}"
    business = await town.supplier(name)
    editor = f"/studio/{business.supplier}/page"
    assert "Make your page" in await business.owner.see(f"/studio/{business.supplier}/enquiries")
    assert f'value="moss-and-fern-{name[-8:]}"' in await business.owner.see(editor)
    looked = await written(business, "/preview", tagline="Not yet <b>bold</b>")
    assert (looked.status_code, "Not yet &lt;b&gt;bold&lt;/b&gt;" in looked.text) == (200, True)
    assert "Nothing is saved yet" in looked.text
    assert "Send it" not in looked.text
    slug = f"moss-{secrets.token_hex(5)}"
    assert (await written(business, slug=slug, is_published="on")).status_code == 303
    kept = await business.owner.see(editor)
    for words in ("https://gallery.example.com/maria", "https://b.example.com/x", "Published"):
        assert words in kept
    assert kept.count('name="work_url"') == 4
    public = await town.public.see(f"/s/{slug}")
    assert "<p>Two.</p>" in public
    assert "Publish your page" not in await business.owner.see(f"/studio/{business.supplier}/enquiries")
    late = await written(business, slug=slug, version=7, tagline="My words")
    assert (late.status_code, "changed this page meanwhile" in late.text, "My words" in late.text) == (412, True, True)


async def test_what_cannot_stand_on_a_page_is_said_and_kept(town: Town) -> None:
    business, other = await town.supplier(), await town.supplier()
    taken = f"shop-{secrets.token_hex(5)}"
    await written(other, slug=taken)
    for fields, code, words in (
        ({"slug": taken}, 409, f"{taken}-porto is free"),
        ({"slug": "admin"}, 422, "kept back"),
        ({"tagline": "x" * 161}, 422, "Shorten it"),
        ({"work_url": ["http://10.1.1.1/", "", ""]}, 422, 'id="f-works-error"'),
        ({"work_title": ["A"] * 13, "work_url": ["a.example.com"] * 13}, 422, "Keep the best 12"),
    ):
        for rest in ("", "/preview") if code == 422 else ("",):
            answer = await written(business, rest, **fields)
            assert (answer.status_code, words in answer.text, "Porto" in answer.text) == (code, True, True), words
    assert "Not published" not in await business.owner.see(f"/studio/{business.supplier}/page")


async def test_enquiries_are_read_and_answered_in_the_studio(town: Town) -> None:
    business = await town.supplier()
    slug = f"shop-{secrets.token_hex(5)}"
    await written(business, slug=slug, is_published="on")
    listed = f"/studio/{business.supplier}/enquiries"
    assert "Nobody has asked yet" in await business.owner.see(listed)
    for name in ("Maria <i>Santos</i>", "Nora Nolan"):
        await town.public.send(f"/s/{slug}/enquiry", **form(name=name, wedding_on="2099-06-05"))
    await town.reactions(business.supplier)
    page = await business.owner.see(listed)
    assert "Maria &lt;i&gt;Santos" in page
    assert "2<span" in page
    nora, maria = re.findall(r'data-key="([0-9a-f-]+)"', page)
    assert "Among your clients" in await business.owner.see(f"{listed}/{maria}")
    empty = await business.owner.send(f"{listed}/{maria}", action="answer", message="", version=2)
    assert (empty.status_code, "Write what they should read" in empty.text) == (422, True)
    late = await business.owner.send(f"{listed}/{maria}", action="answer", message="Yes, gladly", version=1)
    assert (late.status_code, "Yes, gladly" in late.text) == (412, True)
    assert (await business.owner.send(f"{listed}/{maria}", action="answer", message="Yes")).status_code == 303
    assert "What you answered" in await business.owner.see(f"{listed}/{maria}")
    assert (await business.owner.send(f"{listed}/{maria}", action="decline")).status_code == 409
    assert (await business.owner.send(f"{listed}/{nora}", action="decline")).status_code == 303
    assert "friendly sentence of ours" in await business.owner.see(f"{listed}/{nora}")
    rows = await business.owner.see(f"{listed}?state=declined", part=True)
    assert (rows.count("data-key="), "<html" in rows) == (1, False)
    assert "None of these" in await business.owner.see(f"{listed}?state=received")
    await _others(town, business, f"{listed}/{maria}")


async def _others(town: Town, business: Linked, one: str) -> None:
    """A colleague reads, strangers find nothing."""
    colleague: Somebody = await town.person("colleague")
    asked = {"email": colleague.email, "role": "member"}
    await business.owner.got("POST", f"/api/v1/suppliers/{business.supplier}/members", asked, code=201)
    editor = f"/studio/{business.supplier}/page"
    assert "Owners and admins change this page" in await colleague.see(editor)
    assert (await colleague.send(f"{editor}/preview", slug="mine")).status_code == 403
    assert (await colleague.send(editor, slug="not-mine")).status_code == 403
    assert "Maria" in await colleague.see(one)
    stranger = await town.person()
    for path in (editor, one, f"/studio/{business.supplier}/enquiries"):
        await stranger.see(path, code=404)
