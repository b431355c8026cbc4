"""The API of VSCO Workspace over the one door to the network: a function for each call we make, nothing decided."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from wedsync.kit.http import Failure, Reply, Wire

PAGE_MAX_BYTES: Final = 8 * 1024 * 1024
NEWEST: Final = "modified desc"


class Client:
    """Calls as one studio, by its key or by the token that was given to a partner; held no longer than a call takes."""

    def __init__(self, wire: Wire, base_url: str, *, key: str = "", token: str = "") -> None:
        self._wire = wire
        self._base = base_url.rstrip("/")
        self._proof = {"authorization": f"Bearer {token}"} if token else {"x-api-key": key}

    async def get_studio(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/studio/me", timeout_s=timeout_s)

    async def list_jobs(self, *, sort: str, page: int, size: int, timeout_s: float) -> Reply | Failure:
        query = {"includeClosed": "true", "sortBy": sort, "page": str(page), "pageSize": str(size)}
        return await self._call("GET", "/job", query, timeout_s=timeout_s)

    async def list_contacts(self, *, sort: str, page: int, size: int, timeout_s: float) -> Reply | Failure:
        query = {"includeHidden": "true", "sortBy": sort, "page": str(page), "pageSize": str(size)}
        return await self._call("GET", "/address-book", query, timeout_s=timeout_s)

    async def list_galleries(self, *, sort: str, page: int, size: int, timeout_s: float) -> Reply | Failure:
        query = {"includeHidden": "true", "sortBy": sort, "page": str(page), "pageSize": str(size)}
        return await self._call("GET", "/gallery", query, timeout_s=timeout_s)

    async def list_notes(self, *, sort: str, page: int, size: int, timeout_s: float) -> Reply | Failure:
        query = {"includeHidden": "true", "sortBy": sort, "page": str(page), "pageSize": str(size)}
        return await self._call("GET", "/note", query, timeout_s=timeout_s)

    async def get_handed(self, kind: str, id: str, *, timeout_s: float) -> Reply | Failure:
        """A gallery or a note."""
        return await self._call("GET", f"/{kind}/{quote(id, safe='')}", timeout_s=timeout_s)

    async def list_jobs_of(self, contact: str, *, timeout_s: float) -> Reply | Failure:
        query = {"contactId": contact, "sortBy": NEWEST, "page": "1", "pageSize": "100"}
        return await self._call("GET", "/job-contact", query, timeout_s=timeout_s)

    async def get_worksheet(self, job: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", f"/job/{quote(job, safe='')}/worksheet", timeout_s=timeout_s)

    async def put_job(self, job: str, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("PUT", f"/job/{quote(job, safe='')}", body=body, timeout_s=timeout_s)

    async def put_contact(self, contact: str, body: Mapping[str, Any], *, timeout_s: float) -> Reply | Failure:
        return await self._call("PUT", f"/address-book/{quote(contact, safe='')}", body=body, timeout_s=timeout_s)

    async def list_hooks(self, *, timeout_s: float) -> Reply | Failure:
        return await self._call("GET", "/rest-hook", {"page": "1", "pageSize": "100"}, timeout_s=timeout_s)

    async def post_hook(self, event: str, address: str, *, timeout_s: float) -> Reply | Failure:
        return await self._call("POST", "/rest-hook", body={"event": event, "url": address}, timeout_s=timeout_s)

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        timeout_s: float,
    ) -> Reply | Failure:
        headers = {**self._proof, "accept": "application/json"}
        if body is not None:
            headers["content-type"] = "application/json"
        return await self._wire.request(
            method,
            f"{self._base}{path}{'?' + urlencode(query) if query else ''}",
            headers=headers,
            body=b"" if body is None else msgspec.json.encode(body),
            timeout_s=max(timeout_s, 0.001),
            trusted=True,
            body_max_bytes=PAGE_MAX_BYTES,
        )
