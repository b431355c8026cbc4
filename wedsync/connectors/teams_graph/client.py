"""Speaks to Graph as one business's own app: a token by client credentials, kept while it lives, and one call."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from wedsync.connections import graph
from wedsync.connections.contract import Connection, Outcome, ReconnectNeeded, RetryLater
from wedsync.connections.graph import Answer, Graph
from wedsync.connectors.teams_graph.mapper import Team
from wedsync.kit import clock
from wedsync.kit.oauth import Grant, TokenError, Tokens

SIGNED_OUT: Final = "Microsoft no longer takes this app's token. Look at its registration, and connect it again."
LATE: Final = "Microsoft took too long. What is there already is found at the next try."
CALL_MIN_S: Final = 0.05


class Talk:
    """The calls of one exchange with one team, all of which end before its time is over."""

    def __init__(
        self,
        *,
        graph: Graph,
        tokens: Tokens,
        connection: Connection,
        grant: Grant,
        team: Team,
        now: datetime,
        timeout_s: float,
    ) -> None:
        self.team = team
        self._graph = graph
        self._tokens = tokens
        self._holder = connection.id
        self._grant = grant
        self._now = now
        self._until = clock.monotonic() + timeout_s

    async def call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Answer | Outcome:
        """Below the team. A token that is refused before its time is got anew once."""
        whole = f"/teams/{self.team.id}{path}" + (f"?{urlencode(query)}" if query else "")
        refused: str | None = None
        while True:
            token = await self._token(refused)
            if not isinstance(token, str):
                return token
            if self._left_s < CALL_MIN_S:
                return RetryLater(reason=LATE)
            answer = await self._graph.call(method, whole, token, timeout_s=self._left_s, body=body)
            if answer.status != 401 or refused is not None:
                return answer
            refused = token

    async def next(self, answer: Answer) -> Answer | Outcome | None:
        """The page after this one; None where it was the last, or its link leads elsewhere."""
        link = (answer.data or {}).get("@odata.nextLink")
        path = self._graph.path_of(link) if isinstance(link, str) else None
        before = f"/teams/{self.team.id}"
        if path is None or not path.startswith(before):
            return None
        return await self.call("GET", path.removeprefix(before))

    def refused(self, answer: Answer, *, needs: str, is_write: bool = False) -> Outcome:
        """What an answer means that is not what was hoped for; `needs` is the permission that it takes."""
        not_allowed = f"Microsoft does not allow it. An administrator of yours has to grant the app {needs}."
        return graph.to_outcome(
            answer, now=self._now, is_write=is_write, signed_out=SIGNED_OUT, not_allowed=not_allowed
        )

    @property
    def _left_s(self) -> float:
        return self._until - clock.monotonic()

    async def _token(self, refused: str | None) -> str | Outcome:
        try:
            return await self._tokens.get(
                self._holder, self._grant, timeout_s=max(self._left_s, CALL_MIN_S), refused=refused
            )
        except TimeoutError:
            return RetryLater(reason="Microsoft's sign-in did not answer in time.", is_unasked=True)
        except TokenError as error:
            if error.is_passing:
                return RetryLater(reason=str(error), is_ours=error.is_ours, is_unasked=True)
            told = f"{error} Look at the id, the secret and the day on which it ends, and connect it again."
            return ReconnectNeeded(reason=told)


def grant_of(connection: Connection, team: Team, *, base_url: str, token_url: str) -> Grant:
    """What a token is asked for with: all that an administrator has granted the app (`/.default`)."""

    def held(name: str) -> str:
        return next(iter(connection.secrets.get(name, ())), "")

    parts = urlsplit(base_url)
    return Grant(
        token_url=token_url.replace("{tenant}", team.tenant),
        client_id=held("username"),
        client_secret=held("password"),
        scope=f"{parts.scheme}://{parts.netloc}/.default",
        client_auth="body",
    )
