"""The people of a team: who of a wedding's is in it, by e-mail, and who of them is in a private channel."""

from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from wedsync.connections.contract import Outcome, Rejected
from wedsync.connections.graph import Answer, list_of, segment
from wedsync.connectors.teams_graph import mapper
from wedsync.connectors.teams_graph.client import Talk

READ: Final = "TeamMember.Read.All"
WRITE: Final = "ChannelMember.ReadWrite.All"
PEOPLE_MAX: Final = 30
ASKED_AT_ONCE: Final = 10
PAGES_MAX: Final = 5
GUEST: Final = "guest"


class Member(msgspec.Struct, frozen=True):
    """Somebody of the team. A guest of it owns no channel."""

    user: str
    email: str
    is_guest: bool


async def known(talk: Talk, emails: Sequence[str]) -> list[Member] | Outcome:
    """Those of the addresses that are the team's: only who is in the team can be in a channel of it."""
    wanted = [one.lower() for one in emails[:PEOPLE_MAX]]
    found: dict[str, Member] = {}
    for at in range(0, len(wanted), ASKED_AT_ONCE):
        some = wanted[at : at + ASKED_AT_ONCE]
        said = await _listed(talk, "/members", query={"$filter": f"({mapper.by_emails(some)})"}, needs=READ)
        if not isinstance(said, list):
            return said
        found |= {one.email: one for one in said if one.email in some}
    return [found[email] for email in wanted if email in found]


async def joined(
    talk: Talk, channel: str, people: Sequence[Member], *, base_url: str, owner: str, is_found: bool
) -> int | Outcome:
    """Everybody is in it; how many were not taken. `is_found`: it was there before, with whoever had come so far."""
    here: Collection[str] = {owner}
    path = f"/channels/{segment(channel)}/members"
    if is_found:
        said = await _listed(talk, path, query=None, needs=WRITE)
        if not isinstance(said, list):
            return said
        here = {one.user for one in said}
    left_out = 0
    for one in people:
        if one.user in here:
            continue
        # One by one: of several, one who is not taken keeps all the others out.
        answer = await talk.call("POST", path, body=mapper.to_member(one.user, base_url=base_url))
        if not isinstance(answer, Answer):
            return answer
        if answer.is_fine:
            continue
        refused = talk.refused(answer, needs=WRITE, is_write=True)
        if not isinstance(refused, Rejected):
            return refused
        left_out += 1
    return left_out


async def _listed(talk: Talk, path: str, *, query: dict[str, str] | None, needs: str) -> list[Member] | Outcome:
    found: list[Member] = []
    page: Answer | Outcome | None = await talk.call("GET", path, query=query)
    for _ in range(PAGES_MAX):
        if not isinstance(page, Answer):
            return found if page is None else page
        if not page.is_fine:
            return talk.refused(page, needs=needs)
        for one in list_of(page.data):
            user, email, roles = one.get("userId"), one.get("email"), one.get("roles")
            if isinstance(user, str):
                is_guest = isinstance(roles, list) and GUEST in roles
                found.append(Member(user, email.lower() if isinstance(email, str) else "", is_guest))
        page = await talk.next(page)
    return found
