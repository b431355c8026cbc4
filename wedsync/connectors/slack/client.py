"""Slack's Web API over the one door to the network: a function for each method that we use, nothing decided."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from wedsync.kit.http import Failure, Reply, Wire

ANSWER_MAX_BYTES: Final = 1024 * 1024


class Client:
    """Calls with one workspace's bot token. Every method takes a form; blocks and metadata are JSON in a field."""

    def __init__(self, wire: Wire, base_url: str, token: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._token = token

    async def get(self, method: str, query: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        path = f"{method}?{urlencode(query)}" if query else method
        return await self._call("GET", path, b"", timeout_s=timeout_s)

    async def post(self, method: str, form: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", method, urlencode(form, quote_via=quote).encode(), timeout_s=timeout_s)

    async def _call(self, verb: str, path: str, body: bytes, *, timeout_s: float) -> Reply | Failure:
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        if verb == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
        return await self._wire.request(
            verb,
            f"{self._base}/{path}",
            headers=headers,
            body=body,
            timeout_s=timeout_s,
            trusted=True,
            body_max_bytes=ANSWER_MAX_BYTES,
        )
