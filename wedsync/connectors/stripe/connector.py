"""Stripe for the host: says whose account it is, opens checkouts on it, refunds, lists our fees, reads its hooks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from wedsync.connections.charging.contract import Asked, Fees, Opened, Refunded, Refunding, Said
from wedsync.connections.contract import Account, Connection, Delivered, Outcome, Rejected, Tools
from wedsync.connectors.stripe import answers, mapper
from wedsync.connectors.stripe.amounts import Uncountable
from wedsync.connectors.stripe.answers import read
from wedsync.connectors.stripe.client import Client

PAGE_MAX: Final = 100


class _Profile(msgspec.Struct, frozen=True):
    name: str | None = None


class _Account(msgspec.Struct, frozen=True):
    id: str
    email: str | None = None
    business_profile: _Profile | None = None


class _Left(msgspec.Struct, frozen=True):
    stripe_user_id: str


class _Session(msgspec.Struct, frozen=True):
    id: str
    url: str
    expires_at: int


class _Refund(msgspec.Struct, frozen=True):
    id: str
    status: str | None = None


class Stripe:
    """Connects and charges. The platform's key acts for every account that was connected to it."""

    def __init__(self, tools: Tools) -> None:
        self._wire = tools.wire
        self._machine_now = tools.machine_now
        self._base_url: str = tools.settings["stripe_base_url"]
        self._key: str = tools.settings["stripe_secret_key"]
        self._client_id: str = tools.settings["stripe_client_id"]
        self._deauthorize_url: str = tools.settings["stripe_deauthorize_url"]

    async def account(self, connection: Connection, *, timeout_s: float) -> Account | Outcome:
        """Asked with the account's own token: it says which one it is."""
        (token, *_) = connection.secrets.get("access_token", ("",))
        exchange = await Client(self._wire, self._base_url, token).get_account(timeout_s=timeout_s)
        found = read(exchange, _Account, now=self._machine_now())
        if not isinstance(found, _Account):
            return found
        name = found.business_profile.name if found.business_profile is not None else None
        return Account(id=found.id, title=name or found.email or found.id)

    async def leave(self, account: str, *, timeout_s: float) -> Outcome:
        """Not by its token, but by its id and the platform's key; who has left already has left."""
        client = Client(self._wire, self._deauthorize_url, self._key)
        exchange = await client.deauthorize(self._client_id, account, timeout_s=timeout_s)
        found = read(exchange, _Left, now=self._machine_now())
        if isinstance(found, _Left) or answers.is_unconnected(exchange):
            return Delivered()
        return found

    async def open_checkout(self, asked: Asked) -> Opened | Outcome:
        try:
            form: Mapping[str, str] = mapper.to_session(asked)
        except Uncountable as error:
            return Rejected(reason=str(error))
        exchange = await self._as_platform().create_session(
            asked.account, form, key=asked.key, timeout_s=asked.timeout_s
        )
        found = read(exchange, _Session, now=self._machine_now(), moves=True)
        if not isinstance(found, _Session):
            return found
        return Opened(id=found.id, url=found.url, expires_at=datetime.fromtimestamp(found.expires_at, UTC))

    async def refund(self, asked: Refunding) -> Refunded | Outcome:
        """Whether a fee of ours goes back with it, the charge says: hooks that tell of fees may come later."""
        client, timeout_s = self._as_platform(), asked.timeout_s / 2
        looked = await client.get_intent(asked.account, asked.intent, timeout_s=timeout_s)
        intent = read(looked, mapper.Intent, now=self._machine_now())
        if not isinstance(intent, mapper.Intent):
            return intent
        try:
            form = mapper.to_refund(asked, has_fee=intent.has_fee)
        except Uncountable as error:
            return Rejected(reason=str(error))
        exchange = await client.create_refund(asked.account, form, key=asked.key, timeout_s=timeout_s)
        found = read(exchange, _Refund, now=self._machine_now(), moves=True)
        return Refunded(id=found.id, status=found.status or "") if isinstance(found, _Refund) else found

    async def fees(self, cursor: str, *, timeout_s: float) -> Fees | Outcome:
        """Of all accounts, newest first; the cursor is the last one's id."""
        query = {"limit": str(PAGE_MAX)} | ({"starting_after": cursor} if cursor else {})
        exchange = await self._as_platform().list_fees(query, timeout_s=timeout_s)
        page = read(exchange, mapper.FeePage, now=self._machine_now())
        if not isinstance(page, mapper.FeePage):
            return page
        last = page.data[-1].id if page.data and page.has_more else ""
        return Fees(items=tuple(mapper.to_fee(one) for one in page.data), cursor=last)

    def read(self, body: bytes) -> Said:
        """Stripe sends what connected accounts only try out to live endpoints as well."""
        return mapper.read(body, is_live="_live_" in self._key)

    async def close(self) -> None:
        """Nothing is held: the network's door belongs to the process."""

    def _as_platform(self) -> Client:
        return Client(self._wire, self._base_url, self._key)


def connect(tools: Tools) -> Stripe:
    return Stripe(tools)
