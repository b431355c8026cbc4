"""What the stand-ins of marketing providers do alike: businesses behind consent, each with one list, and who reads it.

For tests and the sandbox only. A provider's own stand-in adds its addresses, its payloads and its words for a refusal.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

from litestar import Router
from litestar.types import ControllerRouterHandler

from wedsync.connections.calendars.driven import ACCOUNTS, DEAD
from wedsync.connections.contract import Connection
from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import given
from wedsync.connections.marketing.driven import Seen
from wedsync.connections.standin import AnyRequest, StandIn, StandInError
from wedsync.kit.errors import not_found


class Home(Protocol):
    """What one business has there."""

    name: str
    list_id: str

    def seen(self) -> dict[str, Seen]: ...


Its = TypeVar("Its", bound=Home)


class Audiences(StandIn, Generic[Its]):
    """A provider whose `accounts` are those of ACCOUNTS; `name` is that of its connector, and begins every address."""

    name: str

    def __init__(
        self,
        moods: Mapping[str, str],
        refusals: Mapping[str, StandInError],
        accounts: Mapping[str, Its],
        *,
        scopes: Mapping[str, str],
        life_s: float,
        rotates: bool = False,
        offline: tuple[str, str],
        page_size: int = 500,
    ) -> None:
        super().__init__(moods, refusals, page_size=page_size)
        self.address = f"/{self.name}/api"
        self.accounts = accounts
        self._dead = refusals[DEAD]
        self.consent = Consent(
            f"/{self.name}/oauth",
            self.title,
            accounts={email: account.name for email, account in accounts.items()},
            scopes=scopes,
            life_s=life_s,
            rotates=rotates,
            offline=offline,
        )

    def routed(
        self, word: str, api: Sequence[ControllerRouterHandler], pages: Sequence[ControllerRouterHandler]
    ) -> Sequence[ControllerRouterHandler]:
        """Its API, its pages and its consent; handlers are handed the stand-in under this word."""
        itself = {word: given(self)}
        return [
            Router(self.address, route_handlers=api, dependencies=itself),
            Router(f"/{self.name}", route_handlers=pages, dependencies=itself),
            *self.consent.routes,
        ]

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            f"{self.name}_base_url": f"{at}{self.address}",
            f"{self.name}_client_id": CLIENT_ID,
            f"{self.name}_client_secret": CLIENT_SECRET,
            f"{self.name}_authorize_url": f"{at}/{self.name}/oauth/authorize",
            f"{self.name}_token_url": f"{at}/{self.name}/oauth/token",
        }

    def connection(self, at: str, account: str) -> Connection:
        return Connection(id=uuid4(), secrets={"access_token": (self.consent.issue(account).access,)})

    def list_of(self, account: str) -> str:
        return self.accounts[account].list_id

    def seen(self, account: str) -> dict[str, Seen]:
        return self.accounts[account].seen()

    def account(self, email: str) -> Its:
        """Raises Refusal 404."""
        if email not in self.accounts:
            raise not_found("account")
        return self.accounts[email]

    def of(self, request: AnyRequest) -> Its:
        """Whoever's token it is. Raises StandInError 401."""
        account = None if self.moods.current == DEAD else self.consent.account_of(request)
        if account is None:
            raise self._dead.with_traceback(None)
        return self.held_by(account)

    def held_by(self, account: str) -> Its:
        """Whoever connects as somebody else in the sandbox is shown the first account."""
        return self.accounts.get(account) or self.accounts[ACCOUNTS[0]]
