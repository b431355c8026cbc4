"""Mailchimp's Marketing API 3.0 over the one door to the network: a function for each call we make, nothing decided."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from wedsync.kit.http import Failure, Reply, Wire

ANSWER_MAX_BYTES: Final = 8 * 1024 * 1024


class Client:
    """Calls as one account, in its data centre."""

    def __init__(self, wire: Wire, base_url: str, token: str) -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._token = token

    async def lists(self, *, timeout_s: float) -> Reply | Failure:
        query = {"count": "200", "fields": "lists.id,lists.name,total_items"}
        return await self._call("GET", "/lists", query, timeout_s=timeout_s)

    async def put_member(
        self, list_id: str, email: str, body: Mapping[str, Any], *, timeout_s: float
    ) -> Reply | Failure:
        path = f"{_list(list_id)}/members/{digest(email)}"
        return await self._call("PUT", path, {"skip_merge_validation": "true"}, body=body, timeout_s=timeout_s)

    async def unsubscribe(self, list_id: str, email: str, *, timeout_s: float) -> Reply | Failure:
        path = f"{_list(list_id)}/members/{digest(email)}"
        return await self._call("PATCH", path, body={"status": "unsubscribed"}, timeout_s=timeout_s)

    async def members(
        self, list_id: str, *, status: str, since: str, offset: int, count: int, timeout_s: float
    ) -> Reply | Failure:
        query = {"status": status, "count": str(count), "offset": str(offset), "sort_field": "last_changed"}
        query |= {"sort_dir": "ASC", "fields": "members.email_address,members.status,members.last_changed,total_items"}
        if since:
            query["since_last_changed"] = since
        return await self._call("GET", f"{_list(list_id)}/members", query, timeout_s=timeout_s)

    async def segments(self, list_id: str, *, offset: int, count: int, timeout_s: float) -> Reply | Failure:
        query = {"type": "static", "count": str(count), "offset": str(offset)}
        query["fields"] = "segments.id,segments.name,total_items"
        return await self._call("GET", f"{_list(list_id)}/segments", query, timeout_s=timeout_s)

    async def add_segment(self, list_id: str, name: str, emails: Sequence[str], *, timeout_s: float) -> Reply | Failure:
        body = {"name": name, "static_segment": list(emails)}
        return await self._call("POST", f"{_list(list_id)}/segments", body=body, timeout_s=timeout_s)

    async def change_segment(
        self, list_id: str, segment: int, *, gains: Sequence[str], losses: Sequence[str], timeout_s: float
    ) -> Reply | Failure:
        body = {"members_to_add": list(gains), "members_to_remove": list(losses)}
        return await self._call("POST", f"{_list(list_id)}/segments/{segment}", body=body, timeout_s=timeout_s)

    async def add_event(self, list_id: str, email: str, name: str, *, timeout_s: float) -> Reply | Failure:
        path = f"{_list(list_id)}/members/{digest(email)}/events"
        return await self._call("POST", path, body={"name": name}, timeout_s=timeout_s)

    async def trigger(self, journey: int, step: int, email: str, *, timeout_s: float) -> Reply | Failure:
        path = f"/customer-journeys/journeys/{journey}/steps/{step}/actions/trigger"
        return await self._call("POST", path, body={"email_address": email}, timeout_s=timeout_s)

    async def hooks(self, list_id: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"{_list(list_id)}/webhooks", timeout_s=timeout_s)

    async def add_hook(self, list_id: str, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", f"{_list(list_id)}/webhooks", body=body, timeout_s=timeout_s)

    async def templates(self, *, timeout_s: float) -> Reply | Failure:
        query = {"count": "1000", "type": "user", "fields": "templates.id,templates.name,total_items"}
        return await self._call("GET", "/templates", query, timeout_s=timeout_s)

    async def put_template(self, id: str, name: str, html: str, *, timeout_s: float) -> Reply | Failure:
        """A new one where there is no id."""
        method, path = ("PATCH", f"/templates/{quote(id, safe='')}") if id else ("POST", "/templates")
        return await self._call(method, path, body={"name": name, "html": html}, timeout_s=timeout_s)

    async def reports(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/reports", {"count": "100"}, timeout_s=timeout_s)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        timeout_s: float,
    ) -> Reply | Failure:
        headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._wire.request(
            method,
            f"{self._base}{path}{'?' + urlencode(query) if query else ''}",
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=timeout_s,
            trusted=True,
            body_max_bytes=ANSWER_MAX_BYTES,
        )


def digest(email: str) -> str:
    """What Mailchimp finds a member by: the MD5 of the address in small letters."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def _list(list_id: str) -> str:
    return f"/lists/{quote(list_id, safe='')}"
