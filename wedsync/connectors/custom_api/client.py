"""The calls to an API as it is described, over the one door to the network; nothing decided but how we prove us."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from wedsync.connections.contract import Connection
from wedsync.connections.records.described import Described, origin
from wedsync.kit import clock
from wedsync.kit.http import Failure, Reply, Timing, Wire
from wedsync.kit.oauth import Grant, Tokens

PAGE_MAX_BYTES: Final = 8 * 1024 * 1024


class Client:
    """Calls as one account. The addresses are a tenant's: none of them is trusted."""

    def __init__(self, wire: Wire, tokens: Tokens, api: Described, connection: Connection) -> None:
        self._wire = wire
        self._tokens = tokens
        self._api = api
        self._id = connection.id
        self._user = connection.secrets.get("username", ("",))[0]
        self._secret = connection.secrets.get("password", ("",))[0]

    async def list(self, query: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", self._at(self._api.list_path, query), timeout_s=timeout_s)

    async def follow(self, url: str, *, timeout_s: float) -> Reply | Failure:
        """The next page by its own address, which leads to the same host or nowhere."""
        if origin(url) != origin(self._api.base_url):
            reason = "The next page leads to another host."
            return Failure(kind="refused", reason=reason, may_have_arrived=False, timing=Timing())
        return await self._call("GET", url, timeout_s=timeout_s)

    async def get(self, id: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", self._one(id), timeout_s=timeout_s)

    async def write(self, id: str, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call(self._api.write, self._one(id), body=body, timeout_s=timeout_s)

    def _one(self, id: str) -> str:
        # A dot-segment would be taken for a step up, however it is quoted.
        safe = quote(id, safe="").replace(".", "%2E") if set(id) <= {"."} else quote(id, safe="")
        return self._at(self._api.item_path.replace("{id}", safe), {})

    def _at(self, path: str, query: Mapping[str, str]) -> str:
        query = {**query, **({self._api.auth_name: self._secret} if self._api.auth == "query" else {})}
        url = f"{self._api.base_url.rstrip('/')}{path}"
        return f"{url}{'&' if '?' in path else '?'}{urlencode(query)}" if query else url

    async def _call(
        self, method: str, url: str, *, body: Mapping[str, Any] | None = None, timeout_s: float
    ) -> Reply | Failure:
        """Raises TokenError, and TimeoutError where a token does not come in time."""
        until = clock.monotonic() + timeout_s
        headers = {"accept": "application/json", **await self._proof(timeout_s)}
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._wire.request(
            method,
            url,
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=max(until - clock.monotonic(), 0.001),
            body_max_bytes=PAGE_MAX_BYTES,
        )

    async def _proof(self, timeout_s: float) -> dict[str, str]:
        api = self._api
        if api.auth == "header":
            return {api.auth_name.lower(): self._secret}
        if api.auth == "bearer":
            return {"authorization": f"Bearer {self._secret}"}
        if api.auth == "basic":
            pair = f"{self._user}:{self._secret}"
            return {"authorization": f"Basic {b64encode(pair.encode()).decode()}"}
        if api.auth == "oauth2":
            return {"authorization": f"Bearer {await self._tokens.get(self._id, self._grant(), timeout_s=timeout_s)}"}
        return {}

    def _grant(self) -> Grant:
        return Grant(
            token_url=self._api.token_url,
            client_id=self._user,
            client_secret=self._secret,
            scope=self._api.scope,
            client_auth=self._api.client_auth,
        )
