"""Mail through the chain: who stands in when, what a silence costs, what all workers know, and who is told."""

import time
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from tests.contracts.mail_house import PLATFORM, SHORT, MailHouse, housed
from tests.engines_fixture import Database, RunningPostgres
from wedsync.connections.contract import Delivered, ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.mailing import probing
from wedsync.connections.mailing.chain import Times, chain_of
from wedsync.connections.mailing.fake_office import BLACK_HOLE, LOST
from wedsync.invitations import sealed
from wedsync.kit.breaker import FAILURES_LIVE_MAX, FAILURES_MAX
from wedsync.kit.config import Settings

ALL = ("resend", "sendgrid", "smtp")
FAILED, RECOVERED = "mail_provider.failed", "mail_provider.recovered"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def built(database: Database, postgres: RunningPostgres, settings: Settings) -> AsyncIterator[MailHouse]:
    async with housed(database, postgres, settings) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def house(built: MailHouse) -> MailHouse:
    await built.afresh()
    return built


def test_whom_the_operator_set_up_sends_in_the_order_named(house: MailHouse) -> None:
    found = house.host.manifests

    def chain(**changes: str) -> tuple[str, ...]:
        return chain_of(msgspec.structs.replace(house.settings, **changes), found)

    assert chain() == ALL
    assert chain(resend_api_key="") == ("sendgrid", "smtp")
    assert chain(resend_api_key="", sendgrid_api_key="") == ("smtp",)
    assert chain(mail_chain="smtp, resend,smtp") == ("smtp", "resend")
    assert chain(resend_api_key="", sendgrid_api_key="", smtp_url="") == ("smtp",), "it says what is missing"
    with pytest.raises(ValueError, match="WEDSYNC_MAIL_CHAIN names 'stripe'"):
        chain(mail_chain="smtp,stripe")


async def test_with_one_provider_it_is_as_if_there_were_no_chain(house: MailHouse) -> None:
    await house.chain()
    chain = await house.chain("smtp")
    for mood, kind in (("fine", Delivered), ("busy", RetryLater), ("refusing", Rejected), ("dropped", Unknown)):
        house.mailbox.moods.switch(mood, 1)
        through, job = await chain.send(await house.owed("carla@example.com")), await house.owed("carla@example.com")
        house.mailbox.moods.switch(mood, 1)
        alone = await house.host.send(msgspec.structs.replace(job, connector="smtp"))
        assert type(through) is type(alone) is kind
        assert through.attempt.detail == alone.attempt.detail
        assert getattr(through, "reason", "") == getattr(alone, "reason", "")
    assert (await house.provider("resend"))["position"] is None


async def test_the_first_sends_while_it_is_well(house: MailHouse) -> None:
    failed_over = "select count(*) from mail_statuses where is_failed_over"
    before = await house.admin.fetchval(failed_over)
    outcome = await house.sent(await house.chain())
    assert isinstance(outcome, Delivered)
    assert house.took() == {"resend": 1}
    assert await house.admin.fetchval(failed_over) == before


@pytest.mark.parametrize("mood", ["dead key", "quota", "429", "5xx"])
async def test_who_says_no_is_stood_in_for_at_once_and_no_second_mail_is_possible(house: MailHouse, mood: str) -> None:
    house.resend.moods.switch(mood)
    job = await house.owed("carla@example.com")
    outcome = await (await house.chain()).send(job)
    assert isinstance(outcome, Delivered)
    assert house.took() == {"sendgrid": 1}
    assert len(house.resend.office.calls) == 1
    assert "resend: " in outcome.attempt.detail and "possible_duplicate" not in outcome.attempt.detail
    row = await house.admin.fetchrow("select * from mail_statuses where delivery_id = $1", job.delivery_id)
    assert (row["provider"], row["is_failed_over"], row["is_possible_duplicate"]) == ("sendgrid", True, False)


async def test_a_mail_that_is_refused_for_good_is_not_offered_elsewhere(house: MailHouse) -> None:
    house.resend.moods.switch("refusing")
    assert isinstance(await house.sent(await house.chain()), Rejected)
    assert house.took() == {}
    assert house.sendgrid.office.calls == []


async def test_after_a_silence_the_same_is_asked_again_by_the_same_key(house: MailHouse) -> None:
    house.resend.moods.switch(LOST, 1)
    outcome = await house.sent(await house.chain())
    assert isinstance(outcome, Delivered)
    assert house.took() == {"resend": 1}
    first, second = house.resend.office.calls
    assert first.key == second.key != ""


async def test_a_black_hole_is_stood_in_for_within_its_time_and_the_mail_may_be_a_second_one(house: MailHouse) -> None:
    house.resend.moods.switch(BLACK_HOLE)
    chain = await house.chain()
    job = await house.owed("carla@example.com")
    began = time.monotonic()
    outcome = await chain.send(job)
    took_s = time.monotonic() - began
    assert isinstance(outcome, Delivered)
    assert house.took() == {"sendgrid": 1}
    assert SHORT.try_s + SHORT.again_s <= took_s < SHORT.try_s + SHORT.again_s + 1.0
    assert outcome.attempt.detail.endswith("possible_duplicate")
    row = await house.admin.fetchrow("select * from mail_statuses where delivery_id = $1", job.delivery_id)
    assert (row["provider"], row["is_possible_duplicate"]) == ("sendgrid", True)


def test_the_real_times_keep_a_black_hole_below_five_seconds() -> None:
    times = Times()
    assert times.try_s == 2.0
    # Both silences of the first, and the whole try of the next but a moment.
    assert times.try_s + times.again_s + times.try_s <= 5.0


async def test_who_knows_no_repeats_is_not_asked_again(house: MailHouse) -> None:
    house.sendgrid.moods.switch(LOST)
    outcome = await house.sent(await house.chain("sendgrid", "smtp"))
    assert isinstance(outcome, Delivered)
    assert len(house.sendgrid.office.calls) == 1
    assert house.took() == {"sendgrid": 1, "smtp": 1}, "the one that may be a second mail, and was"
    assert outcome.attempt.detail.endswith("possible_duplicate")


async def test_where_nobody_takes_it_what_is_unsure_stays_unsure(house: MailHouse) -> None:
    house.mailbox.moods.switch("busy")
    house.resend.moods.switch("5xx")
    later = await house.sent(await house.chain("resend", "smtp"))
    assert isinstance(later, RetryLater)
    assert "resend: " in later.attempt.detail and "smtp: " in later.attempt.detail
    await house.afresh()
    house.mailbox.moods.switch("busy")
    house.resend.moods.switch(LOST)
    unsure = await house.sent(await house.chain("resend", "smtp"))
    assert isinstance(unsure, Unknown) and unsure.repeat_is_safe
    await house.afresh()
    house.mailbox.moods.switch("busy")
    house.sendgrid.moods.switch(LOST)
    worse = await house.sent(await house.chain("sendgrid", "smtp"))
    assert isinstance(worse, Unknown) and not worse.repeat_is_safe
    await house.afresh()
    house.resend.moods.switch("429")
    house.sendgrid.moods.switch("quota")
    asked = await house.sent(await house.chain("resend", "sendgrid"))
    assert isinstance(asked, RetryLater) and asked.after_s == 7, "as long as the first of them is to be waited for"


async def test_who_keeps_failing_is_left_alone_by_all_workers_and_comes_back_when_a_mail_is_taken(
    house: MailHouse,
) -> None:
    before = len(await house.alerts())
    house.resend.moods.switch("5xx")
    one = await house.chain()
    for _ in range(FAILURES_MAX):
        assert isinstance(await house.sent(one), Delivered)
    asked = len(house.resend.office.calls)
    assert asked == FAILURES_MAX
    another = await house.chain()
    for chain in (one, another):
        assert isinstance(await house.sent(chain), Delivered)
    assert len(house.resend.office.calls) == asked, "nobody asks it now"
    row = await house.provider("resend")
    assert row["is_down"] and row["reason"].startswith("Resend answered 503")
    assert (await house.alerts())[before:] == [(FAILED, "resend")], "one alert, however many mails"
    # It is asked whether it is well, is not, and then is.
    await another.probe()
    assert not isinstance(await house.sent(await house.chain()), Rejected)
    assert len(house.resend.office.letters) == 0
    house.resend.moods.switch("fine")
    await another.probe()
    assert (await house.provider("resend"))["is_down"], "only a mail brings it back"
    assert isinstance(await house.sent(await house.chain()), Delivered)
    assert len(house.resend.office.letters) == 1
    assert not (await house.provider("resend"))["is_down"]
    assert (await house.alerts())[before:] == [(FAILED, "resend"), (RECOVERED, "resend")]


async def test_of_a_live_wedding_two_failures_are_enough_and_the_day_before_they_are_not(house: MailHouse) -> None:
    chain, wedding = await house.chain(), UUID(await house.wedding(await house.person("ana")))
    hours = """insert into wedding_days as d (wedding_id, "on", zone, live_from, live_until)
        select $1, current_date, 'Europe/London', n + $2::text::interval, n + interval '1 day' from clock_timestamp() n
        on conflict (wedding_id, "on") do update set live_from = excluded.live_from"""

    async def fail_twice() -> bool:
        house.resend.moods.switch("5xx")
        for _ in range(FAILURES_LIVE_MAX):
            job = await house.owed("carla@example.com")
            await house.admin.execute("update deliveries set stream_id = $2 where id = $1", job.delivery_id, wedding)
            assert isinstance(await chain.send(job), Delivered)
        return bool((await house.provider("resend"))["is_down"])

    await house.admin.execute(hours, wedding, "23 hours")
    assert not await fail_twice()
    house.resend.moods.switch("fine")
    assert isinstance(await house.sent(chain), Delivered)
    await house.admin.execute(hours, wedding, "-1 minute")
    assert await fail_twice()
    await house.admin.execute("delete from wedding_days where wedding_id = $1", wedding)


async def test_a_probe_finds_a_dead_provider_before_a_mail_does(house: MailHouse) -> None:
    before = len(await house.alerts())
    house.resend.moods.switch("dead key")
    chain = await house.chain()
    await chain.probe()
    assert (await house.alerts())[before:] == [(FAILED, "resend")], "no mail will fare better, so once is enough"
    calls = len(house.resend.office.calls)
    assert isinstance(await house.sent(await house.chain()), Delivered)
    assert len(house.resend.office.calls) == calls
    assert house.took() == {"sendgrid": 1}


async def test_a_quota_that_is_used_up_is_a_long_rest_that_ends_by_itself(house: MailHouse) -> None:
    before = len(await house.alerts())
    house.resend.moods.switch("quota", 1)
    assert isinstance(await house.sent(await house.chain()), Delivered)
    await (await house.chain()).probe()
    assert isinstance(await house.sent(await house.chain()), Delivered)
    assert house.took() == {"sendgrid": 2}, "a probe that goes well ends no rest"
    assert (await house.alerts())[before:] == [(FAILED, "resend")]
    await house.pass_time(3700)
    assert isinstance(await house.sent(await house.chain()), Delivered)
    assert house.took() == {"resend": 1, "sendgrid": 2}
    assert (await house.alerts())[before:] == [(FAILED, "resend"), (RECOVERED, "resend")]


async def test_a_limit_of_the_moment_is_nobodys_alarm(house: MailHouse) -> None:
    before = len(await house.alerts())
    house.resend.moods.switch("429", 1)
    for _ in range(2):
        assert isinstance(await house.sent(await house.chain()), Delivered)
    assert house.took() == {"sendgrid": 2}
    await house.pass_time(8)
    assert isinstance(await house.sent(await house.chain()), Delivered)
    assert house.took() == {"resend": 1, "sendgrid": 2}
    assert (await house.alerts())[before:] == []


async def test_when_nobody_is_well_everybody_is_asked(house: MailHouse) -> None:
    for fake in (house.resend, house.sendgrid):
        fake.moods.switch("dead key")
    house.mailbox.moods.switch("down")
    assert not isinstance(await house.sent(await house.chain("resend", "sendgrid")), Delivered)
    house.sendgrid.moods.switch("fine")
    assert isinstance(await house.sent(await house.chain("resend", "sendgrid")), Delivered)


async def test_a_chain_of_nobody_says_what_to_set(house: MailHouse) -> None:
    chain = await house.chain("smtp")
    chain._names = ()
    outcome = await house.sent(chain)
    assert isinstance(outcome, ReconnectNeeded) and "WEDSYNC_SMTP_URL" in outcome.reason


async def test_the_clock_owes_a_probe_of_whom_nothing_was_heard_and_a_worker_makes_it(house: MailHouse) -> None:
    chain = await house.chain()
    poke = "select app.poke_mail_probes()"
    assert (await house.admin.fetchval(poke), await house.admin.fetchval(poke)) == (1, 0)
    job = await house.leased(probing.WORK)
    assert job is not None
    await probing.works(chain)[probing.WORK](house.door, job)
    assert await house.admin.fetchval("select count(*) from mail_providers where probed_at is not null") == 3
    assert await house.admin.fetchval(poke) == 0, "all were heard of a moment ago"
    await house.admin.execute("update mail_providers set probed_at = probed_at - interval '4 minutes 1 second'")
    assert await house.admin.fetchval(poke) == 1
    await house.admin.execute("delete from jobs where name = 'mail.probe'")
    await chain.probe()
    await house.admin.execute(
        "update mail_providers set is_down = true, probed_at = probed_at - interval '21 seconds',"
        " changed_at = changed_at - interval '1 minute' where name = 'resend'"
    )
    assert await house.admin.fetchval(poke) == 1, "who is down is asked sooner"
    await house.admin.execute("delete from jobs where name = 'mail.probe' and tenant_id = $1", PLATFORM)


async def test_from_two_hours_before_a_wedding_whoever_stands_in_is_warm_and_a_dead_one_is_found_in_time(
    house: MailHouse,
) -> None:
    """The clock owes it, a worker asks, the operator sees it; the day's first mail fails over to a warm one."""
    chain, operator, ana = await house.chain(), await house.operator(), await house.person("ana")
    # Weddings of other tests that are live now, or nearly, are over.
    await house.admin.execute(
        "delete from wedding_days where live_until > clock_timestamp() - interval '1 day'"
        " and live_from < clock_timestamp() + interval '1 day'"
    )
    wedding = UUID(await house.wedding(ana))
    await house.admin.execute(
        """insert into wedding_days (wedding_id, "on", live_from, live_until, zone) values ($1, current_date,
          clock_timestamp() + interval '1 minute', clock_timestamp() + interval '1 day', 'Europe/London')""",
        wedding,
    )
    poke = "select app.poke_mail_probes()"
    await chain.probe()
    heard = "update mail_providers set probed_at = probed_at - interval '46 seconds', succeeded_at = null"
    await house.admin.execute(heard)
    assert await house.admin.fetchval(poke) == 0, "two hours and a minute before it is any other day"
    live = "update wedding_days set live_from = live_from - interval '61 seconds' where wedding_id = $1"
    await house.admin.execute(live, wedding)
    house.sendgrid.moods.switch("dead key")
    assert await house.admin.fetchval(poke) == 1
    job = await house.leased(probing.WORK)
    assert job is not None
    await probing.works(chain)[probing.WORK](house.door, job)

    async def shown() -> dict[str, bool]:
        found = await operator.got("GET", "/api/v1/platform/wedding-days")
        return {one["name"]: one["is_warm"] for one in found["mail"]}

    assert await shown() == {"resend": True, "sendgrid": False, "smtp": True}
    page = await operator.see("/ops/days")
    assert page.count("Warm") == 2 and "WEDSYNC_SENDGRID_API_KEY" in page
    house.resend.moods.switch("5xx")
    asked = len(house.sendgrid.office.calls)
    assert isinstance(await house.sent(await house.chain()), Delivered)
    assert (house.took(), len(house.sendgrid.office.calls)) == ({"smtp": 1}, asked), "straight to the warm one"
    await house.admin.execute(
        "update mail_providers set probed_at = probed_at - interval '76 seconds', succeeded_at = null"
    )
    assert not any((await shown()).values()), "nobody is warm for long who is not asked"
    await house.admin.execute("delete from wedding_days where wedding_id = $1", wedding)
    assert (await shown())["smtp"]


async def test_the_operator_sees_who_sends_and_lifts_what_nobody_else_may(house: MailHouse) -> None:
    operator, somebody = await house.operator(), await house.person()
    path = "/api/v1/platform/mail"
    for caller, code in ((somebody, 404), (house.public, 401)):
        await caller.got("GET", path, code=code)
        await caller.got("POST", f"{path}/lift", {"email": "a@example.com"}, code=code)
    chain = await house.chain()
    await house.sent(chain)
    seen = await operator.got("GET", path)
    assert seen["sends_now"] == "resend"
    assert [(one["name"], one["state"]) for one in seen["providers"]] == [(name, "well") for name in ALL]
    house.resend.moods.switch("dead key")
    house.sendgrid.moods.switch("429")
    before = seen["figures"]["failed_over"]
    await house.sent(chain)
    seen = await operator.got("GET", f"{path}?hours=1")
    assert seen["sends_now"] == "smtp"
    assert [one["state"] for one in seen["providers"]] == ["down", "resting", "well"]
    assert "WEDSYNC_RESEND_API_KEY" in seen["providers"][0]["reason"]
    assert (seen["figures"]["failed_over"], seen["hours"]) == (before + 1, 1)
    address = "over@example.com"
    await house.admin.execute(
        "insert into mail_suppressions (address_index, reason, covers) values ($1, 'bounced', 'all')",
        sealed.index(house.ring, address),
    )
    assert isinstance(await house.sent(chain, address), Rejected)
    await operator.got("POST", f"{path}/lift", {"email": address}, code=204)
    assert isinstance(await house.sent(chain, address), Delivered)
    await operator.got("POST", f"{path}/lift", {"email": address}, code=404)
