"""SendGrid's v3 API over the one door to the network: a function for each method that we use, nothing decided."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wedsync.kit.http import Failure, Reply, Wire


class Client:
    """Calls as the operator's account."""

    def __init__(self, wire: Wire, base_url: str, key: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._key = key

    async def send_mail(self, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", "/v3/mail/send", body=body, timeout_s=timeout_s)

    async def list_scopes(self, *, timeout_s: float) -> Reply | Failure:
        """What the key may do."""
        return await self._call("GET", "/v3/scopes", timeout_s=timeout_s)

    async def _call(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, timeout_s: float
    ) -> Reply | Failure:
        headers = {
            "authorization": f"Bearer {self._key}",
            "accept": "application/json",
            **({"content-type": "application/json"} if body is not None else {}),
        }
        told = b"" if body is None else msgspec.json.encode(body)
        return await self._wire.request(
            method, self._base + path, headers=headers, body=told, timeout_s=timeout_s, trusted=True
        )
