"""Who is in a mailing list is decided by rules that hold whatever was said in whatever order."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.clients.model import STAGES, Details
from wedsync.connections.contract import ReconnectNeeded, Rejected, RetryLater
from wedsync.connections.marketing import allowance, planning, starter
from wedsync.connections.marketing.contract import Spent
from wedsync.connections.marketing.planning import Consent, Held, Known
from wedsync.connectors.constant_contact import answers as of_constant_contact
from wedsync.connectors.mailchimp import answers as of_mailchimp
from wedsync.kit.http import Reply, Timing

TODAY, NOW = date(2027, 1, 5), datetime(2027, 1, 5, 12, tzinfo=UTC)
EMAILS = ("ana@example.org", "Ana@Example.org", "ben@example.org", "cy@example.org")
emails = st.sampled_from(EMAILS)
acts = st.lists(st.tuples(emails, st.booleans(), st.booleans()), max_size=12)
known = st.builds(
    Known,
    id=st.uuids(),
    details=st.builds(
        Details,
        name=st.sampled_from(["", "Ana Maria Santos", "Zoë"]),
        email=st.sampled_from(["", *EMAILS]),
        partner_email=st.sampled_from(["", *EMAILS]),
        venue=st.sampled_from(["", "Lisbon", "x" * 200]),
    ),
    stage=st.sampled_from(list(STAGES)),
    wedding_on=st.none() | st.dates(date(2026, 1, 1), date(2029, 1, 1)),
    milestones=st.sampled_from([(), ("photos_delivered",)]),
)


def ledger(said: Sequence[tuple[str, bool, bool]]) -> list[Consent]:
    return [
        Consent(email=email, is_given=given, by_provider=by, at=NOW + timedelta(seconds=number))
        for number, (email, given, by) in enumerate(said)
    ]


@settings(max_examples=60)
@given(acts, st.lists(known, max_size=6), st.lists(emails, max_size=2))
def test_nobody_is_in_who_did_not_agree_last_and_the_same_again_is_no_change(
    said: Sequence[tuple[str, bool, bool]], clients: list[Known], barred: list[str]
) -> None:
    may = planning.agreed(reversed(ledger(said)), barred)
    last = {planning.key(email): given for email, given, _ in said}
    never = {planning.key(email) for email in barred}
    assert set(may) == {email for email, given in last.items() if given} - never
    wanted = planning.contacts(clients, may, TODAY)
    assert set(wanted) <= set(may)
    first = planning.plan(wanted, [])
    assert {contact.email for _, contact in first.upserts} == set(wanted) and not (first.withdrawn or first.retags)
    held = [
        Held(id=UUID(int=number), contact=contact, state="there")
        for number, (_, contact) in enumerate(wanted.values(), start=1)
    ]
    again = planning.plan(wanted, held)
    assert again == planning.Plan(upserts=(), retags=(), withdrawn=())
    # Everybody withdraws: all of them go, and once they are out nothing more is asked.
    assert {one.id for one in planning.plan({}, held).withdrawn} == {one.id for one in held}
    out = [Held(id=one.id, contact=one.contact, state="out") for one in held]
    assert planning.plan({}, out).withdrawn == ()
    # Around a wedding nothing is sent of its couple, and whoever withdraws goes all the same.
    assert planning.plan(wanted, out, set(wanted)) == planning.Plan(upserts=(), retags=(), withdrawn=())
    assert len(planning.plan({}, held, set(wanted)).withdrawn) == len(held)
    # Who was out is asked by the provider itself, never written back by us alone.
    assert all(contact.is_again for _, contact in planning.plan(wanted, out).upserts)
    tags = [tag for _, contact in wanted.values() for tag in contact.tags]
    assert all(len(tag) <= planning.TAG_MAX and tag.startswith(planning.OURS) for tag in tags)


@pytest.mark.parametrize(("days", "is_quiet"), [(-3, False), (-2, True), (0, True), (2, True), (3, False)])
def test_a_couple_is_left_alone_two_days_before_and_after(days: int, is_quiet: bool) -> None:
    details = Details(email="Ana@example.org", partner_email="ben@example.org")
    client = Known(id=UUID(int=1), details=details, stage="booked", wedding_on=TODAY + timedelta(days=days))
    assert planning.quiet([client], TODAY) == ({"ana@example.org", "ben@example.org"} if is_quiet else set())


tags = st.dictionaries(emails, st.lists(st.sampled_from("abcd"), unique=True, max_size=4), max_size=4)


@given(tags, tags)
def test_gains_and_losses_lead_from_one_to_the_other(before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    gains, losses = planning.retagged(before, after)
    for email, wanted in after.items():
        now = set(before.get(email, ()))
        now |= {tag for tag, who in gains.items() if email in who}
        now -= {tag for tag, who in losses.items() if email in who}
        assert now == set(wanted)


@pytest.mark.parametrize(
    ("stage", "on", "wanted"),
    [
        ("enquiry", date(2027, 3, 1), ()),
        ("booked", None, ("booked",)),
        ("booked", TODAY + timedelta(days=184), ("booked",)),
        ("booked", TODAY + timedelta(days=183), ("booked", "six_months")),
        ("booked", TODAY, ("booked", "six_months")),
        ("fulfilled", TODAY - timedelta(days=1), ("booked", "date_passed")),
        ("cancelled", TODAY - timedelta(days=1), ()),
    ],
)
def test_stage_and_date_tell_milestones_by_themselves(stage: Any, on: date | None, wanted: tuple[str, ...]) -> None:
    client = Known(id=UUID(int=1), details=Details(email="a@example.org"), stage=stage, wedding_on=on)
    assert planning.milestones(client, TODAY) == wanted
    assert planning.milestones_of(planning.tags_of(client, TODAY)) == set(wanted)


@given(st.integers(0, 50), st.integers(0, 20_000))
def test_no_account_asks_more_than_its_share_and_all_together_no_more_than_is_allowed(
    accounts: int, asked: int
) -> None:
    left = allowance.share(10_000, accounts, asked)
    assert 0 <= left <= 9_000
    assert allowance.share(10_000, accounts, 0) * max(accounts, 1) <= 9_000
    assert allowance.share(10_000, accounts, asked + left) == 0
    assert 0 < allowance.until_midnight_s(NOW + timedelta(seconds=asked)) <= 86_400


def test_letters_hold_what_they_must_and_no_markup_of_a_name() -> None:
    several = starter.templates("Rose <script> & Co")
    assert len({one.name for one in several}) == len(several) == 6
    for one in several:
        assert "<script>" not in one.html and "Rose &lt;script&gt; &amp; Co" in one.html
        assert starter.FIRST_NAME in one.html and starter.UNSUBSCRIBE in one.html
        assert starter.digest(one) == starter.digest(one)
    assert {starter.digest(a) for a in several} & {starter.digest(b) for b in starter.templates("Other")} == set()


def told(status: int, body: bytes) -> Reply:
    return Reply(status=status, headers={}, body=body, ending="whole", timing=Timing())


WORDS: dict[str, Any] = {
    **dict.fromkeys(("later", "busy", "conflict"), RetryLater),
    **dict.fromkeys(("refused", "compliance", "gone"), Rejected),
    "reconnect": ReconnectNeeded,
    "spent": Spent,
}


@pytest.mark.parametrize(("status", "title"), [*of_mailchimp.TITLES, (418, "Tomorrow"), (507, "Tomorrow")])
def test_every_problem_of_mailchimp_has_one_meaning(status: int, title: str) -> None:
    body = b'{"type": "x", "title": "%b", "status": %d, "detail": "ana@example.org", "instance": ""}'
    said = of_mailchimp.trouble(told(status, body % (title.encode(), status)), now=NOW)
    meant = of_mailchimp.TITLES.get((status, title), "later" if status >= 500 else "refused")
    assert isinstance(said, WORDS[meant]) and "ana@" not in repr(said)


def test_too_many_calls_are_no_closed_account() -> None:
    for status in (403, 429):
        said = of_mailchimp.trouble(told(status, b"<html>Forbidden</html>"), now=NOW)
        assert isinstance(said, RetryLater) and said.after_s == of_mailchimp.BUSY_S


@pytest.mark.parametrize(("status", "key"), [*of_constant_contact.KEYS, (418, "tomorrow"), (507, "tomorrow")])
@pytest.mark.parametrize("form", ['[{"error_key": "%s", "error_message": "ana@example.org"}]', '{"error_key": "%s"}'])
def test_every_error_of_constant_contact_has_one_meaning_in_either_form(status: int, key: str, form: str) -> None:
    said = of_constant_contact.trouble(told(status, (form % key).encode()), now=NOW)
    meant = of_constant_contact.KEYS.get((status, key), "later" if status >= 500 else "refused")
    assert isinstance(said, WORDS[meant]) and "ana@" not in repr(said)
    if isinstance(said, Spent):
        assert said.after_s == 12 * 3600
