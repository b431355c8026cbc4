"""The channels of a team: one is made, or the one found that an earlier try made; and one ends."""

from collections.abc import Mapping
from typing import Any, Final

from wedsync.connections import replies
from wedsync.connections.chatting.contract import Opening
from wedsync.connections.contract import Delivered, Outcome, Rejected, RetryLater
from wedsync.connections.graph import Answer, list_of, segment
from wedsync.connectors.teams_graph import mapper
from wedsync.connectors.teams_graph.client import Talk

CREATE: Final = "Channel.Create"
LIST: Final = "Channel.ReadBasic.All"
SETTINGS: Final = "ChannelSettings.ReadWrite.All"
PAGES_MAX: Final = 20
PERHAPS_TAKEN: Final = (400, 409)
TAKEN: Final = "NameAlreadyExists"
TAKEN_WORDS: Final = "already exist"
"""Graph names the error in its sentence where it gives no code of its own (microsoft-graph-docs, issue 6649)."""
SOMEBODYS: Final = "There is a channel of this name already which WedSync did not make. Choose another name."
HIDDEN: Final = "Teams says the name is taken and shows no such channel. It may show it in a moment."

Channel = Mapping[str, Any]


async def made(talk: Talk, opening: Opening, *, owner: Mapping[str, Any] | None) -> tuple[Channel, bool] | Outcome:
    """(the channel, whether it was there before)."""
    name = mapper.channel_name(opening.name)
    told = mapper.description(opening.about, opening.url, opening.key)
    said = mapper.to_channel(name, told, owner=owner)
    answer = await talk.call("POST", "/channels", body=said)
    if not isinstance(answer, Answer):
        return answer
    channel = _whole(answer)
    if channel is not None:
        return channel, False
    if answer.status not in PERHAPS_TAKEN:
        return talk.refused(answer, needs=CREATE, is_write=True)
    known = await _named(talk, name)
    if not isinstance(known, list):
        return known
    ours = next((one for one in known if mapper.is_ours(one, name, opening.key)), None)
    if ours is not None:
        return ours, True
    if known:
        return Rejected(reason=SOMEBODYS, attempt=answer.attempt)
    if _is_taken(answer):
        return RetryLater(reason=HIDDEN, tries_max=replies.SHORT_LADDER, attempt=answer.attempt)
    return talk.refused(answer, needs=CREATE, is_write=True)


async def archived(talk: Talk, id: str) -> Delivered | Outcome:
    """Nobody writes there any more. One that is gone, or was archived by its people, has ended as well."""
    answer = await talk.call("POST", f"/channels/{segment(id)}/archive", body={})
    if not isinstance(answer, Answer):
        return answer
    if answer.status in (200, 202, 204, 404):
        return Delivered(attempt=answer.attempt)
    if answer.status in PERHAPS_TAKEN:
        now = await talk.call("GET", f"/channels/{segment(id)}", query={"$select": "id,isArchived"})
        if isinstance(now, Answer) and (now.status == 404 or (now.data or {}).get("isArchived") is True):
            return Delivered(attempt=now.attempt)
    return talk.refused(answer, needs=SETTINGS)


async def _named(talk: Talk, name: str) -> list[Channel] | Outcome:
    """Those that have the name and are still used."""
    found: list[Channel] = []
    page: Answer | Outcome | None = await talk.call("GET", "/channels", query={"$filter": mapper.by_name(name)})
    for _ in range(PAGES_MAX):
        if not isinstance(page, Answer):
            return found if page is None else page
        if not page.is_fine:
            return talk.refused(page, needs=LIST)
        found += [one for one in list_of(page.data) if _is_of(one, name)]
        page = await talk.next(page)
    return found


def _is_of(channel: Channel, name: str) -> bool:
    shown = channel.get("displayName")
    return isinstance(shown, str) and shown.lower() == name.lower() and channel.get("isArchived") is not True


def _whole(answer: Answer) -> Channel | None:
    is_one = answer.is_fine and isinstance((answer.data or {}).get("id"), str)
    return answer.data if is_one else None


def _is_taken(answer: Answer) -> bool:
    error = (answer.data or {}).get("error")
    inner = error.get("innerError") if isinstance(error, dict) else None
    codes = [one.get("code") for one in (error, inner) if isinstance(one, dict)]
    message = error.get("message") if isinstance(error, dict) else ""
    return TAKEN in codes or (isinstance(message, str) and TAKEN_WORDS in message.lower())
