"""Constant Contact's V3 API over the one door to the network: a function for each call we make, nothing decided."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from wedsync.connections.pace import Pace
from wedsync.kit.http import Failure, Reply, Timing, Wire

ANSWER_MAX_BYTES: Final = 8 * 1024 * 1024
APPLICATION: Final = "application"
"""Four calls a second are for the whole application, not for an account."""


class Client:
    """Calls as one account, each in its turn."""

    def __init__(self, wire: Wire, base_url: str, token: str, pace: Pace) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._token = token
        self._pace = pace

    async def account(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/account/summary", timeout_s=timeout_s)

    async def addresses(self, *, timeout_s: float) -> Reply | Failure:
        """Those that letters may come from."""
        return await self._call("GET", "/account/emails", {"confirm_status": "CONFIRMED"}, timeout_s=timeout_s)

    async def lists(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/contact_lists", {"limit": "500", "status": "active"}, timeout_s=timeout_s)

    async def import_contacts(self, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", "/activities/contacts_json_import", body=body, timeout_s=timeout_s)

    async def activity(self, id: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"/activities/{quote(id, safe='')}", timeout_s=timeout_s)

    async def contacts(self, query: Mapping[str, str], *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/contacts", query, timeout_s=timeout_s)

    async def put_contact(self, id: str, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("PUT", f"/contacts/{quote(id, safe='')}", body=body, timeout_s=timeout_s)

    async def tags(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/contact_tags", {"limit": "500"}, timeout_s=timeout_s)

    async def add_tag(self, name: str, *, timeout_s: float) -> Reply | Failure:
        body = {"name": name, "tag_source": "Contact"}
        return await self._call("POST", "/contact_tags", body=body, timeout_s=timeout_s)

    async def change_taggings(
        self, verb: str, tag: str, contacts: Sequence[str], *, timeout_s: float
    ) -> Reply | Failure:
        """`verb` is add or remove."""
        body = {"source": {"contact_ids": list(contacts)}, "tag_ids": [tag]}
        return await self._call("POST", f"/activities/contacts_taggings_{verb}", body=body, timeout_s=timeout_s)

    async def emails(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/emails", {"limit": "500"}, timeout_s=timeout_s)

    async def add_email(self, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", "/emails", body=body, timeout_s=timeout_s)

    async def email(self, campaign: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"/emails/{quote(campaign, safe='')}", timeout_s=timeout_s)

    async def put_email(self, activity: str, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        path = f"/emails/activities/{quote(activity, safe='')}"
        return await self._call("PUT", path, body=body, timeout_s=timeout_s)

    async def summaries(self, *, timeout_s: float) -> Reply | Failure:
        path = "/reports/summary_reports/email_campaign_summaries"
        return await self._call("GET", path, {"limit": "100"}, timeout_s=timeout_s)

    async def following(self, href: str, *, timeout_s: float) -> Reply | Failure:
        """The next page as the last one named it: only its path's end and its query are believed."""
        split = urlsplit(href)
        path = "/" + split.path.partition("/v3/")[2] if "/v3/" in split.path else split.path
        return await self._call("GET", f"{path}?{split.query}" if split.query else path, timeout_s=timeout_s)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        timeout_s: float,
    ) -> Reply | Failure:
        try:
            waited_s = await self._pace.turn(APPLICATION, within_s=timeout_s)
        except TimeoutError:
            reason = "Too much was to be asked of Constant Contact at once; its turn did not come in time."
            return Failure(kind="timeout", reason=reason, may_have_arrived=False, timing=Timing())
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._wire.request(
            method,
            f"{self._base}{path}{'?' + urlencode(query) if query else ''}",
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=max(timeout_s - waited_s, 0.001),
            trusted=True,
            body_max_bytes=ANSWER_MAX_BYTES,
        )
