"""Tags of contacts, changed by hundreds at once; their ids are learned from the list, in pages of 500."""

from datetime import datetime
from typing import Final

from wedsync.connections.contract import Delivered, Outcome
from wedsync.connections.marketing.contract import Spent, Tagging
from wedsync.connectors.constant_contact import mapper
from wedsync.connectors.constant_contact.answers import read
from wedsync.connectors.constant_contact.client import Client

BATCH_MAX: Final = 500
PAGES_MAX: Final = 100


async def tag(client: Client, wanted: Tagging, *, now: datetime) -> Delivered | Spent | Outcome:
    """A tag that is not there yet is made; one that nobody had is not made to be emptied."""
    ids = await _ids(client, wanted, now=now)
    if not isinstance(ids, dict):
        return ids
    known = await _known(client, wanted, now=now)
    if not isinstance(known, dict):
        return known
    for verb, several in (("add", wanted.gains), ("remove", wanted.losses)):
        for name, emails in sorted(several.items()):
            who = [ids[email] for email in emails if email in ids]
            stopped = await _change(client, wanted, verb, name, who, known, now=now)
            if stopped is not None:
                return stopped
    return Delivered()


async def _change(
    client: Client, wanted: Tagging, verb: str, name: str, who: list[str], known: dict[str, str], *, now: datetime
) -> Spent | Outcome | None:
    if not who or (name not in known and verb == "remove"):
        return None
    if name not in known:
        made = read(await client.add_tag(name, timeout_s=wanted.timeout_s), mapper.Tag, now=now)
        if not isinstance(made, mapper.Tag):
            return made
        known[name] = made.tag_id
    for start in range(0, len(who), BATCH_MAX):
        some = who[start : start + BATCH_MAX]
        exchange = await client.change_taggings(verb, known[name], some, timeout_s=wanted.timeout_s)
        found = read(exchange, mapper.Activity, now=now)
        if not isinstance(found, mapper.Activity):
            return found
    return None


async def _ids(client: Client, wanted: Tagging, *, now: datetime) -> dict[str, str] | Spent | Outcome:
    """Whom we mean, by the address that Constant Contact keeps."""
    found: dict[str, str] = {}
    query = {"lists": wanted.list_id, "status": "all", "limit": "500"}
    exchange = await client.contacts(query, timeout_s=wanted.timeout_s)
    for _ in range(PAGES_MAX):
        page = read(exchange, mapper.People, now=now)
        if not isinstance(page, mapper.People):
            return page
        found |= {
            one.email_address.address.lower(): one.contact_id for one in page.contacts if one.email_address is not None
        }
        if page.links is None or page.links.next is None or not page.links.next.href:
            break
        exchange = await client.following(page.links.next.href, timeout_s=wanted.timeout_s)
    return found


async def _known(client: Client, wanted: Tagging, *, now: datetime) -> dict[str, str] | Spent | Outcome:
    found: dict[str, str] = {}
    exchange = await client.tags(timeout_s=wanted.timeout_s)
    for _ in range(PAGES_MAX):
        page = read(exchange, mapper.Tags, now=now)
        if not isinstance(page, mapper.Tags):
            return page
        found |= {one.name: one.tag_id for one in page.tags}
        if page.links is None or page.links.next is None or not page.links.next.href:
            break
        exchange = await client.following(page.links.next.href, timeout_s=wanted.timeout_s)
    return found
