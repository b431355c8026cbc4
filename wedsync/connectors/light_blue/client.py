"""The API of Light Blue over the one door to the network: its two calls, nothing decided."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from wedsync.kit.http import Failure, Reply, Wire

CONTENT_TYPE: Final = "application/x-www-form-urlencoded; charset=utf-8"


class Client:
    """Calls with one account's key, which it holds no longer than a call takes."""

    def __init__(self, wire: Wire, base_url: str, key: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._key = key

    async def check(self, *, timeout_s: float) -> Reply | Failure:
        return await self._post("/apiCheck.php", {}, timeout_s=timeout_s)

    async def post(self, fields: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        return await self._post("/api.php", fields, timeout_s=timeout_s)

    async def _post(self, path: str, fields: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        return await self._wire.request(
            "POST",
            f"{self._base}{path}",
            headers={"content-type": CONTENT_TYPE, "accept": "text/plain"},
            body=urlencode({"Key": self._key, **fields}).encode(),
            timeout_s=max(timeout_s, 0.001),
            trusted=True,
        )
