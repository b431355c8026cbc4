"""Resend's API over the one door to the network: a function for each method that we use, nothing decided."""

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

    async def send_email(self, body: Mapping[str, Any], *, key: str, timeout_s: float) -> Reply | Failure:
        """`key` makes the same call again, within a day, the same mail."""
        return await self._call("POST", "/emails", body=body, once=key, timeout_s=timeout_s)

    async def list_domains(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/domains", timeout_s=timeout_s)

    async def _call(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, once: str = "", timeout_s: float
    ) -> Reply | Failure:
        headers = {
            "authorization": f"Bearer {self._key}",
            "accept": "application/json",
            **({"content-type": "application/json"} if body is not None else {}),
            **({"idempotency-key": once} if once else {}),
        }
        told = b"" if body is None else msgspec.json.encode(body)
        return await self._wire.request(
            method, self._base + path, headers=headers, body=told, timeout_s=timeout_s, trusted=True
        )
