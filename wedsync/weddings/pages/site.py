"""The wedding's website: what the couple published, live, for whoever has its address."""

from datetime import date, time
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from markupsafe import Markup, escape

from wedsync.kit import clock
from wedsync.kit.actor import ANONYMOUS
from wedsync.kit.db import Row
from wedsync.kit.errors import not_found
from wedsync.web import auth, forms, respond
from wedsync.web.context import Context
from wedsync.web.forms import AnyRequest
from wedsync.web.shell import Live
from wedsync.web.visitor import plain_shell

TOKEN_S = 600
MAP = "https://www.openstreetmap.org/search?"


@get("/w/{slug:str}", include_in_schema=False)
async def site(request: AnyRequest, ctx: Context, slug: str) -> Response[str]:
    """Names, day, places and times; `?fragment=facts` is its live part."""
    row = await _published(ctx, slug)
    facts = facts_of(msgspec.json.decode(row["snapshot"]))
    if forms.is_fragment(request) and request.query_params.get("fragment") == "facts":
        return respond.html("weddings/_site_facts.html", slug=slug, site=facts)
    live = Live(
        topic=f"realtime:site:{slug}", url=f"{ctx.settings.gateway_url}/realtime/v1", token_url=f"/w/{slug}/token"
    )
    shell = msgspec.structs.replace(plain_shell(request), live=live, now=clock.now(), heading=facts["names"])
    return respond.html(
        "weddings/site.html",
        shell,
        slug=slug,
        site={**facts, "welcome_html": paragraphs(row["welcome"])},
        rsvp_open=facts["on"] is None or facts["on"] >= clock.now().date(),
    )


@post("/w/{slug:str}/token", include_in_schema=False, status_code=200)
async def token(ctx: Context, slug: str) -> dict[str, Any]:
    """For the page's socket: ten minutes, and good for nothing but published websites."""
    await _published(ctx, slug)
    minted = auth.mint_anonymous(ctx.settings.jwt_secret, seconds=TOKEN_S)
    return {"access_token": minted, "token": minted, "expires_in": TOKEN_S, "token_type": "bearer"}


async def _published(ctx: Context, slug: str) -> Row:
    async with ctx.door.bare(ANONYMOUS) as tx:
        row = await tx.row("select * from app.site($1)", slug)
    if row is None:
        raise not_found("wedding website")
    return row


def facts_of(snapshot: dict[str, Any]) -> dict[str, Any]:
    """What the snapshot says, as `_site_facts.html` shows it; without public items the two venues stand in for them."""
    on = date.fromisoformat(snapshot["on"]) if snapshot["on"] else None
    return {
        "names": snapshot["couple_names"],
        "on": on,
        "date_status": snapshot["date_status"],
        "zone": snapshot["time_zone"],
        "items": [_item(item) for item in snapshot["items"]] or _core_items(snapshot, on),
    }


def _item(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": item["title"],
        "on": date.fromisoformat(item["on"]),
        "at_local": time.fromisoformat(item["at_local"]),
        "place": item["place"],
        "address": "",
        "map_href": _map(item["place"]),
    }


def _core_items(snapshot: dict[str, Any], on: date | None) -> list[dict[str, Any]]:
    found = []
    for part in ("ceremony", "reception"):
        venue, address, at = (snapshot[f"{part}_{what}"] for what in ("venue", "address", "at"))
        if venue or at:
            found.append(
                {
                    "title": part.capitalize(),
                    "on": on,
                    "at_local": time.fromisoformat(at) if at else None,
                    "place": venue,
                    "address": address,
                    "map_href": _map(", ".join(words for words in (venue, address) if words)),
                }
            )
    return found


def _map(place: str) -> str:
    return MAP + urlencode({"query": place}) if place else ""


def paragraphs(text: str) -> Markup:
    """The couple's words as they typed them, an empty line between paragraphs; HTML is shown, not done."""
    parts = (" ".join(part.split("\n")) for part in text.replace("\r\n", "\n").split("\n\n") if part.strip())
    return Markup("").join(Markup("<p>{}</p>").format(escape(part.strip())) for part in parts)


ROUTES = (site, token)
