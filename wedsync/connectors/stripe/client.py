"""Stripe's API over the one door to the network: a function for each method that we use, nothing decided."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from wedsync.kit.http import Failure, Reply, Wire

VERSION: Final = "2026-10-28.endive"
"""The shapes we read; an account's own default may be older."""


class Client:
    """Calls as the platform, or on behalf of an account that is named (`Stripe-Account`)."""

    def __init__(self, wire: Wire, base_url: str, key: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._key = key

    async def get_account(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/v1/account", timeout_s=timeout_s)

    async def create_session(
        self, account: str, form: Mapping[str, str], *, key: str, timeout_s: float
    ) -> Reply | Failure:
        return await self._call(
            "POST", "/v1/checkout/sessions", form=form, account=account, once=key, timeout_s=timeout_s
        )

    async def get_intent(self, account: str, id: str, *, timeout_s: float) -> Reply | Failure:
        """With its last charge whole."""
        path = f"/v1/payment_intents/{quote(id, safe='')}?{urlencode({'expand[]': 'latest_charge'})}"
        return await self._call("GET", path, account=account, timeout_s=timeout_s)

    async def create_refund(
        self, account: str, form: Mapping[str, str], *, key: str, timeout_s: float
    ) -> Reply | Failure:
        return await self._call("POST", "/v1/refunds", form=form, account=account, once=key, timeout_s=timeout_s)

    async def deauthorize(self, client_id: str, account: str, *, timeout_s: float) -> Reply | Failure:
        """At the address of its OAuth."""
        return await self._call(
            "POST", "", form={"client_id": client_id, "stripe_user_id": account}, timeout_s=timeout_s
        )

    async def list_fees(self, query: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"/v1/application_fees?{urlencode(query)}", timeout_s=timeout_s)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        account: str = "",
        once: str = "",
        timeout_s: float,
    ) -> Reply | Failure:
        headers = {
            "authorization": f"Bearer {self._key}",
            "stripe-version": VERSION,
            "accept": "application/json",
            **({"stripe-account": account} if account else {}),
            **({"idempotency-key": once} if once else {}),
            **({"content-type": "application/x-www-form-urlencoded"} if form is not None else {}),
        }
        return await self._wire.request(
            method,
            self._base + path,
            headers=headers,
            body=b"" if form is None else urlencode(form, quote_via=quote).encode(),
            timeout_s=timeout_s,
            trusted=True,
            body_max_bytes=1024 * 1024,
        )
