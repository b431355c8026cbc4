"""Suppliers' own pages of guests: there for whom they are shared with, nothing there for anybody else."""

from tests.desk import Desk

PAGE = {"accept": "text/html"}
PART = PAGE | {"hx-request": "true"}


async def test_the_list_is_there_for_whom_it_is_shared_with(desk: Desk) -> None:
    world, answers = desk.world, {}
    for who in ("full", "stationer", "standard", "caterer"):
        base = f"/studio/{world.businesses[who]}/weddings/{world.wedding_id}"
        page = await desk.ask("GET", f"{base}/guests", who=who, headers=PAGE)
        part = await desk.ask("GET", f"{base}/fragments/guests", who=who, headers=PART)
        sheet = await desk.ask("GET", f"{base}/dietary", who=who, headers=PAGE)
        answers[who] = (page.status_code, part.status_code, sheet.status_code)
        assert (world.canaries["guests"] in page.text) == (who in ("full", "stationer"))
        assert world.canaries["dietary"] not in page.text
        assert '<form method="post" action="/me/' not in page.text
    assert answers["full"][:2] == answers["stationer"][:2] == (200, 200)
    assert answers["standard"][:2] == answers["caterer"][:2] == (404, 404)
    assert answers["full"][2] == 404
