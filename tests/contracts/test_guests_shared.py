"""Suppliers' own pages of guests: there for whom they are shared with, nothing there for anybody else."""

import httpx

from tests.served import served
from tests.world import build
from wedsync.kit.config import Settings


async def test_the_list_is_there_for_whom_it_is_shared_with(settings: Settings) -> None:
    world = await build(settings)
    async with (
        served(settings) as app,
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client,
    ):
        answers = {}
        for who in ("full", "stationer", "standard", "caterer"):
            headers = {"authorization": f"Bearer {world.tokens[who]}", "accept": "text/html"}
            base = f"/studio/{world.businesses[who]}/weddings/{world.wedding_id}"
            page = await client.get(f"{base}/guests", headers=headers)
            part = await client.get(f"{base}/fragments/guests", headers={**headers, "hx-request": "true"})
            sheet = await client.get(f"{base}/dietary", headers=headers)
            answers[who] = (page.status_code, part.status_code, sheet.status_code)
            assert (world.canaries["guests"] in page.text) == (who in ("full", "stationer"))
            assert world.canaries["dietary"] not in page.text
            assert '<form method="post" action="/me/' not in page.text
    await world.door.pool.close()
    assert answers["full"][:2] == answers["stationer"][:2] == (200, 200)
    assert answers["standard"][:2] == answers["caterer"][:2] == (404, 404)
    assert answers["full"][2] == 404
