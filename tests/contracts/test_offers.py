"""What can be connected depends on who connects it."""

from tests.contracts.town import Town


async def test_a_couple_is_offered_what_couples_have(town: Town) -> None:
    ana = await town.person("ana")
    wedding = await town.wedding(ana)
    offered = {offer["name"] for offer in (await ana.got("GET", f"/api/v1/weddings/{wedding}/connectors"))["items"]}
    assert {"google_calendar", "slack"} <= offered
    assert offered.isdisjoint({"stripe", "tave", "custom_api", "light_blue", "mailchimp"})
    listed = await ana.see(f"/me/{wedding}/accounts")
    assert "Google Calendar" in listed and "Stripe" not in listed
    await ana.got("GET", f"/me/{wedding}/accounts/new/tave", code=404)
    refused = await ana.got("POST", f"/api/v1/weddings/{wedding}/connections/tave", {"password": "key"}, code=422)
    assert refused["code"] == "not_for_couples"
