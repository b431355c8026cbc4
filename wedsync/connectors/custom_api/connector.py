"""An API that its owner describes, for the host: lists, reads and writes its records as documents. Which of their
values is what, a map says; when to try again and what to do next is the host's."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from wedsync.connections.contract import Account, Connection, Outcome, ReconnectNeeded, Rejected, RetryLater, Tools
from wedsync.connections.records.contract import Found, Gone, Listed, Moved, Pull, Pulled, Push, Pushed, ReadOnly
from wedsync.connections.records.described import Described, faults
from wedsync.connections.records.record import Field, Record
from wedsync.connectors.custom_api import listing, mapper
from wedsync.connectors.custom_api.answers import Whole, read, untold, wrote
from wedsync.connectors.custom_api.client import Client
from wedsync.kit import clock
from wedsync.kit.oauth import TokenError, Tokens

Said = TypeVar("Said")


class CustomApi:
    """Connects, and holds documents."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._tokens = Tokens(tools.wire, monotonic=clock.monotonic)

    @property
    def writes(self) -> frozenset[Field]:
        """By itself none: a map says what."""
        return frozenset()

    def spelled(self, record: Record) -> Record:
        return record

    def may_write(self, connection: Connection) -> bool:
        api = _described(connection)
        return isinstance(api, Described) and api.may_write

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """No such API says who we are, so an account is who comes where: the user, else the list itself."""

        async def ask(api: Described, client: Client) -> Account | Outcome:
            page = await listing.fetched(
                api, client, listing.Cursor(), since="", now=self._machine_now(), timeout_s=timeout_s
            )
            if not isinstance(page, listing.Page):
                return page
            user = connection.secrets.get("username", ("",))[0]
            place = f"{api.base_url.rstrip('/')}{api.list_path.partition('?')[0]}"
            return Account(id=f"{place} {user}", title=f"{user} at {place}" if user else place)

        return await self._as(connection, ask)

    async def pull(self, pull: Pull, connection: Connection) -> Pulled | Outcome:
        async def ask(api: Described, client: Client) -> Pulled | Outcome:
            return await listing.pull(api, client, pull.cursor, now=self._machine_now(), timeout_s=pull.timeout_s)

        return await self._as(connection, ask)

    async def listed(self, cursor: str, connection: Connection, *, timeout_s: float) -> Listed | Outcome:
        async def ask(api: Described, client: Client) -> Listed | Outcome:
            asked = listing.cursor(cursor)
            page = await listing.fetched(api, client, asked, since="", now=self._machine_now(), timeout_s=timeout_s)
            if not isinstance(page, listing.Page):
                return page
            after = listing.Cursor(at=page.next, first=page.items[0].id if page.items else "")
            ids = tuple(dict.fromkeys(one.id for one in page.items))
            return Listed(ids=ids, cursor=listing.written(after), has_more=bool(page.next), attempt=page.attempt)

        return await self._as(connection, ask)

    async def read(self, id: str, connection: Connection, *, timeout_s: float) -> Found | Gone | Outcome:
        async def ask(api: Described, client: Client) -> Found | Gone | Outcome:
            one = await self._one(api, client, id, timeout_s=timeout_s)
            return mapper.to_found(api, one) if isinstance(one, mapper.Item) else one

        return await self._as(connection, ask)

    async def push(self, push: Push, connection: Connection) -> Pushed | Moved | Gone | ReadOnly | Outcome:
        """Nothing is known of its versions, so the record is read right before and written in what differs only."""

        async def ask(api: Described, client: Client) -> Pushed | Moved | Gone | ReadOnly | Outcome:
            until = clock.monotonic() + push.timeout_s
            one = await self._one(api, client, push.id, timeout_s=push.timeout_s)
            if not isinstance(one, mapper.Item):
                return one
            if mapper.moved(push, one.document):
                return Moved(reason="The record was changed there meanwhile.")
            values = mapper.missing(push, one.document)
            if values:
                body = mapper.body(api, one.document, values)
                exchange = await client.write(push.id, body, timeout_s=until - clock.monotonic())
                refused = wrote(exchange, now=self._machine_now())
                if refused is not None:
                    return refused
                one = await self._one(api, client, push.id, timeout_s=until - clock.monotonic())
                if not isinstance(one, mapper.Item):
                    return one
            return Pushed(found=mapper.to_found(api, one))

        return await self._as(connection, ask)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    async def _one(self, api: Described, client: Client, id: str, *, timeout_s: float) -> mapper.Item | Gone | Outcome:
        if not api.item_path:
            until = clock.monotonic() + timeout_s
            return await listing.found(api, client, id, now=self._machine_now(), until=until)
        answer = read(await client.get(id, timeout_s=timeout_s), now=self._machine_now())
        if not isinstance(answer, Whole):
            return answer
        found = mapper.one(api, answer.value, id)
        return found or RetryLater(reason="The API's answer holds no record where it is described.", tries_max=3)

    async def _as(self, connection: Connection, ask: Callable[[Described, Client], Awaitable[Said]]) -> Said | Outcome:
        api = _described(connection)
        if not isinstance(api, Described):
            return api
        try:
            return await ask(api, Client(self._wire, self._tokens, api, connection))
        except TokenError as error:
            return untold(error)
        except TimeoutError:
            return RetryLater(reason="The token server gave no token in time.", is_unasked=True)


def connect(tools: Tools) -> CustomApi:
    return CustomApi(tools)


def _described(connection: Connection) -> Described | ReconnectNeeded | Rejected:
    (text,) = connection.secrets.get("description", ("",))
    try:
        api: Described = msgspec.json.decode(text, type=Described)
    except msgspec.DecodeError:
        return ReconnectNeeded(reason="The API is not described in a form that can be read. Describe it again.")
    if not all(text.isprintable() for name in ("username", "password") for text in connection.secrets.get(name, ())):
        return Rejected(reason="The key or password holds characters that cannot be sent. Copy it again.")
    wrong = faults(api)
    if wrong:
        return Rejected(reason="; ".join(f"{one.field} {one.reason}" for one in wrong))
    return api
