"""A business that keeps clients: an owner with a program of their own that sends files, and a colleague who reads."""

from pathlib import Path
from typing import Any

import httpx
import msgspec

from tests.contracts.town import Somebody, Town

FILES = Path(__file__).parents[1] / "fixtures" / "clients"
HEADER = "Name,Partner,Email,Wedding date,Venue,Status\n"


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """The business, its owner, and how to ask."""

    town: Town
    owner: Somebody
    supplier: str

    @property
    def path(self) -> str:
        return f"/api/v1/suppliers/{self.supplier}/clients"

    async def post(
        self, path: str, data: bytes, name: str, *, who: Somebody | None = None, choices: str = "", **query: Any
    ) -> httpx.Response:
        """A file as the field of a form."""
        headers = {"authorization": f"Bearer {(who or self.owner).bearer}", "accept": "application/json"}
        transport = httpx.ASGITransport(app=self.town.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as http:
            form = {"choices": choices} if choices else {}
            return await http.post(path, files={"file": (name, data)}, data=form, params=query)

    async def send(self, data: bytes | str, name: str = "clients.csv", **more: Any) -> httpx.Response:
        """An import."""
        return await self.post(f"{self.path}/import", data.encode() if isinstance(data, str) else data, name, **more)

    async def trial(self, data: bytes | str, name: str = "clients.csv", **more: Any) -> dict[str, Any]:
        """The dry run of a file that can be read."""
        answer = await self.send(data, name, dry_run="true", **more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def bring(self, data: bytes | str, name: str = "clients.csv", **more: Any) -> dict[str, Any]:
        """An import for good."""
        answer = await self.send(data, name, **more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def clients(self, **query: Any) -> list[dict[str, Any]]:
        """All of them, or some."""
        asked = "&".join(f"{name}={value}" for name, value in {"limit": 500, **query}.items())
        found: list[dict[str, Any]] = (await self.owner.got("GET", f"{self.path}?{asked}"))["items"]
        return found

    async def add(self, *, code: int = 201, who: Somebody | None = None, **fields: Any) -> Any:
        """One by one."""
        return await (who or self.owner).got("POST", self.path, fields, code=code)

    async def undo(self, import_id: str, *, code: int = 200) -> Any:
        """Take an import back."""
        return await self.owner.got("POST", f"{self.path}/imports/{import_id}/undo", code=code)

    async def colleague(self, role: str = "member") -> Somebody:
        """Somebody more in the team."""
        somebody = await self.town.person("colleague")
        path = f"/api/v1/suppliers/{self.supplier}/members"
        await self.owner.got("POST", path, {"email": somebody.email, "role": role}, code=201)
        return somebody


async def opened(town: Town) -> Office:
    """A new one."""
    business = await town.supplier()
    return Office(town=town, owner=business.owner, supplier=business.supplier)
