"""Twilio's API over the one door to the network: a function for each method that we use, nothing decided."""

import base64
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, urlencode

from wedsync.kit.http import Failure, Reply, Wire

VERSION: Final = "2010-04-01"
FOUND_MAX: Final = 50


class Client:
    """Acts as the operator's account, by HTTP Basic."""

    def __init__(self, wire: Wire, base_url: str, account: str, token: str) -> None:
        self._wire = wire
        self._base = f"{base_url.rstrip('/')}/{VERSION}/Accounts/{quote(account, safe='')}"
        self._basic = base64.b64encode(f"{account}:{token}".encode()).decode()

    async def create_message(self, form: Iterable[tuple[str, str]], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", "/Messages.json", form=form, timeout_s=timeout_s)

    async def create_call(self, form: Iterable[tuple[str, str]], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", "/Calls.json", form=form, timeout_s=timeout_s)

    async def list_messages(self, to: str, *, timeout_s: float) -> Reply | Failure:
        query = urlencode({"To": to, "PageSize": str(FOUND_MAX)})
        return await self._call("GET", f"/Messages.json?{query}", timeout_s=timeout_s)

    async def list_calls(self, to: str, *, timeout_s: float) -> Reply | Failure:
        query = urlencode({"To": to, "PageSize": str(FOUND_MAX)})
        return await self._call("GET", f"/Calls.json?{query}", timeout_s=timeout_s)

    async def _call(
        self, method: str, path: str, *, form: Iterable[tuple[str, str]] | None = None, timeout_s: float
    ) -> Reply | Failure:
        headers = {
            "authorization": f"Basic {self._basic}",
            "accept": "application/json",
            **({"content-type": "application/x-www-form-urlencoded"} if form is not None else {}),
        }
        return await self._wire.request(
            method,
            self._base + path,
            headers=headers,
            body=b"" if form is None else urlencode(list(form), quote_via=quote).encode(),
            timeout_s=timeout_s,
            trusted=True,
            body_max_bytes=1024 * 1024,
        )
