"""What became of a journey's mails, beside its steps: as providers say it, to the supplier whose mails they are."""

from uuid import UUID

from tests.contracts.test_journeys import NOW, Way, way
from tests.contracts.town import Somebody, Town
from wedsync.connections.mailing.contract import Said, Status
from wedsync.connections.mailing.taking import keep

WELCOME = """select d.id from deliveries d join events e on e.id = d.event_id
    where d.tenant_id = $1 and d.connector = 'mail' and e.type = 'journey_step.due'"""


async def says(one: Way, status: Status, *, email: str = "") -> None:
    """The provider's hook, verified and read."""
    delivery = await one.town.admin.fetchval(WELCOME, UUID(one.wedding))
    said = Said(
        id=f"{one.wedding}:{status}",
        status=status,
        at=NOW,
        delivery=delivery,
        address=email,
        ends_address=status == "bounced",
    )
    await keep(one.town.door, one.town.ring, "resend", [said])


async def test_a_step_says_whether_its_mail_arrived_or_came_back(town: Town, ana: Somebody) -> None:
    async with way(town, ana) as one:
        page = f"/studio/{one.at.supplier}/weddings/{one.wedding}/journeys"
        assert (await one.plan())["Welcome"]["arrived"] == {"waiting": 1}
        assert "1 not sent yet" in await one.at.owner.see(page)
        delivery = await town.admin.fetchval(WELCOME, UUID(one.wedding))
        await town.admin.execute(
            "update deliveries set state = 'delivered', done_at = clock_timestamp() where id = $1", delivery
        )
        assert (await one.plan())["Welcome"]["arrived"] == {"accepted": 1}
        await says(one, "delivered")
        assert (await one.plan())["Welcome"]["arrived"] == {"delivered": 1}
        assert "1 delivered" in await one.at.owner.see(page)
        await says(one, "bounced", email=ana.email)
        assert (await one.plan())["Welcome"]["arrived"] == {"bounced": 1}
        assert "1 came back: the address takes no mail" in await one.at.owner.see(page)
        assert "came back" not in await ana.see(f"/me/{one.wedding}/journeys"), "that is the supplier's to mend"
        assert (await one.plan())["Questionnaire"]["arrived"] == {}
        other = await town.linked(ana, one.wedding)
        await other.owner.got("GET", f"/api/v1/links/{one.at.link}/enrolments", code=404)
