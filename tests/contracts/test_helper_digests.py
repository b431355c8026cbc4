"""What is told together to somebody who only helps leads to the one page that is theirs."""

import re

import msgspec

from tests.contracts.one_wedding import Stage, Wedding
from tests.contracts.test_notice_timing import digest
from tests.contracts.town import Somebody, Town
from wedsync.tasks import actions, model
from wedsync.weddings import actions as weddings


async def given(wedding: Wedding, *titles: str) -> None:
    """Tasks for Dora, of whom nobody has told her yet but her inbox."""
    for title in titles:
        async with wedding.as_(wedding.ana) as tx:
            task = await actions.add(tx, model.NewTask(title=title))
            await actions.assign(tx, task, model.Assignment(membership_id=wedding.dora.id))
    await wedding.react()


async def test_a_helpers_digest_opens_their_own_page(town: Town, stage: Stage) -> None:
    wedding = await stage.wedding()
    person = wedding.dora.actor.id
    email = await town.admin.fetchval("select email from persons where person_id = $1", person)
    dora = Somebody(town.app, id=person, email=email)
    async with wedding.as_(wedding.ana) as tx:
        secret = town.settings.jwt_secret
        await weddings.add_pass(tx, secret, "help", wedding.id, membership_id=wedding.dora.id)
    chosen = msgspec.json.encode({str(wedding.id): "digest"}).decode()
    await town.admin.execute("insert into preferences (person_id, weddings) values ($1, $2)", person, chosen)
    for titles, subject in ((("Rings", "Confetti"), "2 updates"), (("Umbrellas",), "Umbrellas")):
        await given(wedding, *titles)
        told: list[str] = await digest(town, dora)
        assert subject in told[-1]
        letter = (await town.mails(person, to=email))[-1]["text"]
        assert "/me/inbox" not in letter, "they have no way in but their own page"
        found = re.search(r"(/help/[\w-]+)", letter)
        assert found
        page = await Somebody(town.app).see(found[1])
        assert "Dora, thank you for helping" in page
        assert all(title in page for title in titles)
