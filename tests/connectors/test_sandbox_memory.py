"""What the sandbox's providers remember they judge as the real ones do, and a full memory says that it is full."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from wedsync.connections import fake_grants
from wedsync.connections.calendars.driven import ACCOUNTS
from wedsync.connections.fake_grants import Asked, Grants, OAuthError
from wedsync.connections.fakes import Moods
from wedsync.connections.records.record import Record
from wedsync.connections.standin import StandInError
from wedsync.connectors.constant_contact import fake_store as constant
from wedsync.connectors.honeybook import fake_store as honeybook
from wedsync.connectors.light_blue import fake_store as light_blue
from wedsync.connectors.mailchimp import fake_store as mailchimp
from wedsync.connectors.slack.fake_store import BLOCKS_MAX, TEXT_MAX, SlackError, Workspace
from wedsync.connectors.stripe import fake_hooks as stripe_hooks
from wedsync.connectors.stripe.fake_store import Store as Stripe
from wedsync.connectors.tave import fake_store as tave
from wedsync.connectors.teams import fake as teams
from wedsync.connectors.tripleseat import fake_store as tripleseat
from wedsync.connectors.twilio import fake_hooks as twilio_hooks
from wedsync.connectors.twilio import fake_store as twilio
from wedsync.connectors.venue_booking import fake_store as venue
from wedsync.kit import clock

MARIA = Record(name="Maria", email="m@example.org")
Act = Callable[[], Any]


def refusal(act: Act) -> int:
    """The status that it is refused with."""
    with pytest.raises(StandInError) as refused:
        act()
    return refused.value.status


def test_constant_contact_takes_what_is_whole_and_known() -> None:
    home = constant.Account(1, "Carla", "c@example.org", clock.machine_now)
    rows = [{"email": "M@example.org", "first_name": "Maria"}, {"email": "none"}, {"email": f"{'m' * 50}@example.org"}]
    done = home.start_import({"import_data": rows, "list_ids": [home.list_id]})
    assert list(home.contacts) == ["m@example.org"], "an address that is none, or too long, is left out"
    assert home.look_at(done["activity_id"])["state"] == "completed"
    maria = home.contacts["m@example.org"]["contact_id"]
    tag = home.add_tag("VIP")["tag_id"]
    activity = {"html_content": "[[trackingImage]]", "subject": "Hello"}
    made = home.add_email({"name": "News", "email_campaign_activities": [activity]})
    place = made["campaign_activities"][0]["campaign_activity_id"]
    whole = {"email_address": {"address": "m@example.org"}, "first_name": "Mary", "update_source": "Account"}
    wrong: list[tuple[int, Act]] = [
        (400, lambda: home.start_import({"import_data": [], "list_ids": [home.list_id]})),
        (400, lambda: home.start_import({"import_data": rows, "list_ids": ["another"]})),
        (404, lambda: home.look_at("none")),
        (404, lambda: home.put_contact("none", whole)),
        (400, lambda: home.put_contact(maria, {"email_address": {"address": "m@example.org"}})),
        (404, lambda: home.opt_out("nobody@example.org")),
        (400, lambda: home.change_taggings("add", {"source": {}, "tag_ids": [tag]})),
        (400, lambda: home.change_taggings("add", {"source": {"contact_ids": ["x"] * 501}, "tag_ids": [tag]})),
        (404, lambda: home.change_taggings("add", {"source": {"contact_ids": [maria]}, "tag_ids": ["none"]})),
        (400, lambda: home.add_tag("VIP")),
        (409, lambda: home.add_email({"name": "News", "email_campaign_activities": [activity]})),
        (400, lambda: home.add_email({"name": "More", "email_campaign_activities": [{"html_content": "Hello"}]})),
        (404, lambda: home.shown_email("none")),
        (404, lambda: home.put_activity("none", activity)),
    ]
    assert [refusal(act) for _, act in wrong] == [status for status, _ in wrong]
    second = home.add_email({"name": "More", "email_campaign_activities": [activity]})["campaign_activities"][0]
    home.put_activity(second["campaign_activity_id"], {**activity, "subject": "Bye"})
    assert [one["content"]["subject"] for one in home.emails.values()] == ["Hello", "Bye"]
    assert home.put_activity(place, activity)["campaign_activity_id"] == place
    home.change_taggings("add", {"source": {"contact_ids": [maria]}, "tag_ids": [tag]})
    home.change_taggings("remove", {"source": {"contact_ids": [maria]}, "tag_ids": [tag]})
    assert home.contacts["m@example.org"]["taggings"] == []
    out = {"address": "m@example.org", "permission_to_send": "unsubscribed"}
    assert home.put_contact(maria, {**whole, "email_address": out})["email_address"]["opt_out_source"] == "Contact"


def test_mailchimp_takes_what_is_whole_and_known() -> None:
    home = mailchimp.Account(1, "Carla", clock.machine_now)
    key, body = mailchimp.digest("m@example.org"), {"email_address": "m@example.org", "status_if_new": "subscribed"}
    home.put(key, body)
    segment = home.add_segment("VIP", ["m@example.org", "nobody@example.org"])["id"]
    wrong: list[tuple[int, Act]] = [
        (400, lambda: home.put(key, {"email_address": "m@example.org"})),
        (400, lambda: home.put(mailchimp.digest("n@example.org"), body)),
        (400, lambda: home.patch(key, {"status": "eaten"})),
        (404, lambda: home.patch("none", {"status": "subscribed"})),
        (400, lambda: home.add_segment("VIP", [])),
        (404, lambda: home.change_segment(9, [], [])),
        (400, lambda: home.change_segment(segment, ["m@example.org"] * 501, [])),
        (400, lambda: home.change_segment(segment, [], ["m@example.org"] * 501)),
    ]
    assert [refusal(act) for _, act in wrong] == [status for status, _ in wrong]
    told = home.change_segment(segment, [], ["m@example.org", "nobody@example.org"])
    assert (told["total_removed"], told["error_count"]) == (1, 1)
    home.patch(key, {"status": "unsubscribed"})
    assert refusal(lambda: home.put(key, {**body, "status": "subscribed"})) == 400, "who left is not brought back"
    assert home.put(key, body)["status"] == "unsubscribed"


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memories with room for one."""
    for module, name in (
        (constant, "CONTACTS_MAX"),
        (mailchimp, "MEMBERS_MAX"),
        (honeybook, "WORKSPACES_MAX"),
        (tripleseat, "BOOKINGS_MAX"),
        (venue, "BOOKINGS_MAX"),
        (tave, "JOBS_MAX"),
        (light_blue, "ITEMS_MAX"),
        (twilio, "KEPT_MAX"),
        (fake_grants, "CODES_MAX"),
        (fake_grants, "GRANTS_MAX"),
    ):
        monkeypatch.setattr(module, name, 1)


def test_a_full_memory_says_so(full: None) -> None:
    contact = constant.Account(1, "Carla", "c@example.org", clock.machine_now)
    chimp = mailchimp.Account(1, "Carla", clock.machine_now)
    numbers = itertools.count()

    def join() -> None:
        email = f"m{next(numbers)}@example.org"
        chimp.put(mailchimp.digest(email), {"email_address": email, "status_if_new": "subscribed"})

    def bring() -> None:
        row = {"email": f"m{next(numbers)}@example.org"}
        contact.start_import({"import_data": [row], "list_ids": [contact.list_id]})

    company = honeybook.Company("co", "Carla", clock.machine_now)
    seat = tripleseat.Venue("Quinta", {1: "Quinta"}, clock.machine_now)
    house = venue.House("quinta", "Quinta", "key", clock.machine_now)
    studio = tave.Studio("Carla", "key", clock.machine_now, 1)
    acts: list[tuple[Act, int]] = [
        (bring, 400),
        (join, 400),
        (lambda: company.make(MARIA), 409),
        (lambda: seat.make(MARIA), 422),
        (lambda: house.make(MARIA), 409),
        (lambda: studio.added(studio.notes, {}), 429),
    ]
    for act, status in acts:
        act()
        assert refusal(act) == status
    inbox = light_blue.Studio("Carla", "key")
    items = [{"Type": "contact form", "ContactEmail": f"m{n}@example.org", "Reference": str(n)} for n in range(2)]
    assert [inbox.take(one, clock.machine_now()) for one in (*items, items[0], {"Type": "x"})] == [0, -99, -4, -3]


def test_the_oldest_makes_room_where_nobody_is_to_be_refused(full: None) -> None:
    phones = twilio.Store(twilio_hooks.Hooks(Moods(twilio_hooks.MOODS), "secret"), "")
    for text in ("First", "Second"):
        phones.create_message({"To": "+351210000000", "From": "+15005550006", "Body": text}, "fine")
    assert [one["body"] for one in phones.messages.values()] == ["Second"]
    grants = Grants(life_s=60.0, rotates=False)
    first = grants.start("carla", "client", ())
    second = grants.start("dario", "client", ())
    assert (grants.by_access(first.access), grants.by_access(second.access) is None) == (None, False)
    with pytest.raises(OAuthError):
        grants.refresh(first.refresh, "client", ())
    grants.end(1)
    asked = msgspec.convert({name: "x" for name in Asked.__struct_fields__}, Asked)
    codes = [grants.code(asked, "carla", (), is_offline=True) for _ in range(2)]
    with pytest.raises(OAuthError):
        grants.take(codes[0])
    with pytest.raises(OAuthError):
        fake_grants.verified(grants.take(codes[1]), client="another", fields={})


def slack_home() -> tuple[Workspace, str]:
    home = Workspace(id="T1", name="Carla", people={"m@example.org": "U1"})
    return home, home.create({"name": "wedding"})["channel"]["id"]


BLOCK = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}


@pytest.mark.parametrize(
    ("method", "form", "error"),
    [
        ("create", {}, "invalid_name_required"),
        ("create", {"name": "x" * 81}, "invalid_name_maxlength"),
        ("create", {"name": "Ana & Ben"}, "invalid_name_specials"),
        ("create", {"name": "wedding"}, "name_taken"),
        ("set_topic", {"topic": "x" * 2501}, "too_long"),
        ("invite", {"users": "U1,U2"}, "user_not_found"),
        ("look_up", {"email": "nobody@example.org"}, "users_not_found"),
        ("post", {}, "no_text"),
        ("post", {"text": "x" * (TEXT_MAX + 1)}, "msg_too_long"),
        ("post", {"text": "x", "thread_ts": "1.0"}, "thread_not_found"),
        ("post", {"blocks": "{"}, "invalid_blocks_format"),
        ("post", {"blocks": msgspec.json.encode([BLOCK] * (BLOCKS_MAX + 1)).decode()}, "invalid_blocks"),
        ("post", {"blocks": msgspec.json.encode([{"type": "video"}]).decode()}, "invalid_blocks"),
        ("post", {"text": "x", "metadata": "{"}, "invalid_metadata_format"),
    ],
)
def test_slack_refuses_by_its_own_words(method: str, form: dict[str, str], error: str) -> None:
    home, channel = slack_home()
    with pytest.raises(SlackError, match=f"^{error}$"):
        getattr(home, method)({"channel": channel, **form})


def test_slack_lists_private_channels_and_metadata_to_whoever_asks_for_them() -> None:
    home, channel = slack_home()
    home.create({"name": "secret", "is_private": "true"})
    both = {"types": "public_channel,private_channel"}
    assert [[one["name"] for one in home.list(form)["channels"]] for form in ({}, both)] == [
        ["wedding"],
        ["wedding", "secret"],
    ]
    home.post({"channel": channel, "text": "x", "metadata": '{"event_type": "notice"}'})
    bare, full = (home.history({"channel": channel, **form}) for form in ({}, {"include_all_metadata": "true"}))
    assert ("metadata" in bare["messages"][0], "metadata" in full["messages"][0]) == (False, True)


def test_a_refund_that_failed_fails_once() -> None:
    told: list[dict[str, Any]] = []
    store = Stripe(told.append)
    store.add_account("acct", name="Carla", email="c@example.org")
    charge = store.charge("acct", 10_000, "eur", fee=0, metadata={})
    refund = store.refund("acct", {"charge": charge["id"], "amount": "4000"})
    for _ in range(2):
        store.fail_refund(refund["id"])
    assert charge["amount_refunded"] == 0
    assert [one["type"] for one in told].count("refund.failed") == 1


def test_the_stores_of_crms_refuse_what_is_not_there() -> None:
    studio = tave.Studio("Carla", "key", clock.machine_now, 1)
    job = studio.make(MARIA)
    studio.change(job, {"venue": "The barn"})
    studio.change(job, {"venue": "The mill"})
    assert studio.record(job).venue == "The mill"
    assert len(studio.events) == 1
    company = honeybook.Company("co", "Carla", clock.machine_now)
    seat = tripleseat.Venue("Quinta", {1: "Quinta"}, clock.machine_now)
    contact = next(iter(seat.shown(seat.booking(seat.make(MARIA)))["contacts"]))["id"]
    wrong: list[tuple[int, Act]] = [
        (404, lambda: studio.contact("none")),
        (404, lambda: studio.one_gallery("none")),
        (404, lambda: company.put_contact("none", {})),
        (422, lambda: seat.put_contact(contact, {"colour": "red"})),
        (404, lambda: seat.rows(2, None)),
    ]
    assert [refusal(act) for _, act in wrong] == [status for status, _ in wrong]


async def test_hooks_that_nobody_takes_are_told_again_until_the_sandbox_stops() -> None:
    """In another order where the mood says so."""
    moods = Moods(stripe_hooks.MOODS)
    hooks = stripe_hooks.Hooks(moods, "http://127.0.0.1:9/none", "secret")
    await hooks.stop()
    hooks.tell({"id": "before it has started"})
    await hooks.start()
    moods.switch(stripe_hooks.SHUFFLED)
    for number in range(2):
        hooks.tell({"id": number})
    await asyncio.sleep(0)
    await hooks.stop()
    texts = twilio_hooks.Hooks(Moods(twilio_hooks.MOODS), "secret")
    await texts.stop()
    assert await texts.ask("", {}) == (0, "")
    assert await texts.ask("http://127.0.0.1:9/none", {}) == (0, "")


@pytest.mark.parametrize(
    ("id", "sig", "body", "status"),
    [
        (teams.WORKFLOWS[ACCOUNTS[0]], teams.SIG, b"{}", 400),
        ("none", teams.SIG, b"{}", 404),
        (teams.WORKFLOWS[ACCOUNTS[0]], "guessed", b"{}", 401),
        (teams.WORKFLOWS[ACCOUNTS[0]], teams.SIG, b"x" * (teams.SIZE_MAX_BYTES + 1), 413),
    ],
)
def test_teams_judges_a_card(id: str, sig: str, body: bytes, status: int) -> None:
    assert teams._judged(teams.Teams(), id, sig, body) == status
