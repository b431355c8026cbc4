"""What may leave is judged at the last moment: lease, subscription, link, scope; the rest ends without a byte sent."""

from uuid import UUID, uuid4

import msgspec
import pytest_asyncio

from tests.ledger import TRIED, Ledger, Wedding, event_type
from wedsync.events import record
from wedsync.events.jobs import Job, Payload
from wedsync.events.scope import Scope
from wedsync.kit.actor import ANONYMOUS

BUDGETED = event_type("party.priced", scope=Scope.BUDGET)
ADD_TASK = (
    "insert into tasks (wedding_id, title, link_id) values ($1, 'Bring the rings', $2)"
    " returning id, to_jsonb(new) as record, null::jsonb as old_record"
)
MOVE_TASK = (
    "update tasks set link_id = $3 where wedding_id = $1 and id = $2"
    " returning new.id, to_jsonb(new) as record, to_jsonb(old) as old_record"
)


@pytest_asyncio.fixture(scope="module")
async def engine(engine: Ledger) -> Ledger:
    await engine.know(types=(TRIED, BUDGETED))
    return engine


@pytest_asyncio.fixture
async def ledger(engine: Ledger) -> Ledger:
    await engine.admin.execute("delete from jobs")
    return engine


async def payloads(ledger: Ledger) -> list[Payload]:
    """What may leave of everything that is ready."""
    jobs = await ledger.claim()
    assert jobs
    return await ledger.queue.payloads(jobs)


async def ended(ledger: Ledger, endpoint: UUID) -> list[tuple[str, str]]:
    assert await ledger.jobs(endpoint) == []
    return [(row["state"], row["reason"]) for row in await ledger.deliveries(endpoint)]


async def test_a_payload_holds_the_event_and_where_it_goes(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding, url="https://example.test/in")
    await ledger.facts(wedding, 2)
    first, second = sorted(await payloads(ledger), key=lambda p: p.previous_seq or 0)
    event = msgspec.json.decode(first.event or "")
    assert (event["type"], event["seq"], event["stream"]) == ("party.tried", 1, f"wedding:{wedding.id}")
    assert event["record"]["name"] == "party 0"
    assert (first.previous_seq, second.previous_seq) == (None, 1)
    assert (first.url, first.secret_sealed, first.job.destination_id) == (
        "https://example.test/in",
        b"sealed",
        endpoint,
    )


async def test_a_lost_lease_gets_nothing(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    jobs = await ledger.claim()
    await ledger.let_leases_lapse(endpoint)
    assert await ledger.queue.payloads(jobs) == []
    assert len(await ledger.jobs(endpoint)) == 1


async def test_a_link_revoked_between_commit_and_send_gets_nothing(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    link, endpoint = await ledger.supplier(wedding, scopes=int(Scope.GUESTS))
    await ledger.facts(wedding)
    jobs = await ledger.claim()
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run("update links set status = 'revoked' where wedding_id = $1 and id = $2", wedding.id, link)
    assert await ledger.queue.payloads(jobs) == []
    assert await ended(ledger, endpoint) == [("revoked", "the supplier may no longer see this")]


async def test_a_scope_withdrawn_between_commit_and_send_is_felt(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    link, endpoint = await ledger.supplier(wedding, scopes=int(Scope.GUESTS))
    await ledger.facts(wedding)
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run("update links set scopes = 2 where wedding_id = $1 and id = $2", wedding.id, link)
    assert await payloads(ledger) == []
    assert [state for state, _ in await ended(ledger, endpoint)] == ["revoked"]


async def test_a_supplier_is_owed_only_what_it_sees(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    _, sees = await ledger.supplier(wedding, scopes=int(Scope.GUESTS))
    _, blind = await ledger.supplier(wedding, scopes=int(Scope.SCHEDULE))
    couple = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    await ledger.facts(wedding, kind=BUDGETED)
    counts = [len(await ledger.deliveries(endpoint)) for endpoint in (sees, blind, couple)]
    assert counts == [1, 0, 2]
    sent = await payloads(ledger)
    assert sorted(one.link_id is not None for one in sent) == [False, False, True]


async def test_a_row_that_comes_to_a_link_comes_without_its_past(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    first, _ = await ledger.supplier(wedding, scopes=0)
    second, endpoint = await ledger.supplier(wedding, scopes=0)
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        row = await tx.row(ADD_TASK, wedding.id, first)
        assert row is not None
        moved = await tx.row(MOVE_TASK, wedding.id, row["id"], second)
        assert moved is not None
        record.record(tx, TRIED, op="UPDATE", row=moved, link=second)
    [mine] = [p for p in await payloads(ledger) if p.job.destination_id == endpoint]
    event = msgspec.json.decode(mine.event or "")
    assert (event["op"], event["old_record"]) == ("INSERT", None)
    assert str(first) not in (mine.event or "")


async def test_an_event_of_another_link_never_leaves(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    mine, owner = await ledger.supplier(wedding, scopes=int(Scope.GUESTS))
    _, other = await ledger.supplier(wedding, scopes=int(Scope.GUESTS))
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        row = await tx.row(ADD_TASK, wedding.id, mine)
        assert row is not None
        record.record(tx, TRIED, op="INSERT", row=row, link=mine)
    assert len(await ledger.deliveries(owner)) == 1
    assert await ledger.deliveries(other) == []


async def test_an_ended_subscription_cancels(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    jobs = await ledger.claim()
    await ledger.admin.execute("update subscriptions set active = false where id = $1", endpoint)
    assert await ledger.queue.payloads(jobs) == []
    assert await ended(ledger, endpoint) == [("cancelled", "the subscription had ended")]


async def test_an_endpoint_removed_while_its_jobs_are_leased_gets_nothing(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    jobs = await ledger.claim()
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run("update endpoints set deleted_at = clock_timestamp() where id = $1", endpoint)
        await tx.run("select app.connect_endpoint($1)", endpoint)
    assert await ledger.queue.payloads(jobs) == []
    assert [state for state, _ in await ended(ledger, endpoint)] == ["cancelled"]


async def test_parked_between_claim_and_send_burns_no_attempt(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    jobs = await ledger.claim()
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        await tx.run(
            "update endpoints set state = 'paused', state_reason = 'paused by its owner' where id = $1", endpoint
        )
        await tx.run("select app.connect_endpoint($1)", endpoint)
    assert await ledger.queue.payloads(jobs) == []
    [job] = await ledger.jobs(endpoint)
    assert (job["attempt"], job["lease_token"]) == (0, None)
    [delivery] = await ledger.deliveries(endpoint)
    assert (delivery["state"], delivery["reason"]) == ("parked", "paused by its owner")


async def test_parked_and_opened_again_meanwhile_is_simply_free(ledger: Ledger) -> None:
    """Whoever opens a destination brings back what is aside; what comes aside after that would wait for ever."""
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    [job] = await ledger.claim()
    judged_parked = [[job.id], [job.id], [job.lease_token]]
    await ledger.admin.execute("select app.give_up_place($1, $2, $3)", *judged_parked)
    assert [again.id for again in await ledger.claim()] == [job.id]
    assert [row["state"] for row in await ledger.deliveries(endpoint)] == ["pending"]


async def test_what_expired_while_it_was_leased_is_not_sent(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    await ledger.admin.execute("update jobs set expires_at = clock_timestamp() where destination_id = $1", endpoint)
    assert await payloads(ledger) == []
    assert [state for state, _ in await ended(ledger, endpoint)] == ["expired"]


async def test_refusals_of_one_batch_do_not_touch_the_others(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    kept, late, gone = [await ledger.endpoint(wedding) for _ in range(3)]
    await ledger.facts(wedding, 2)
    await ledger.admin.execute("update jobs set expires_at = clock_timestamp() where destination_id = $1", late)
    await ledger.admin.execute("update subscriptions set active = false where id = $1", gone)
    assert {p.job.destination_id for p in await payloads(ledger)} == {kept}
    assert [state for state, _ in await ended(ledger, late)] == ["expired"] * 2
    assert [state for state, _ in await ended(ledger, gone)] == ["cancelled"] * 2


async def test_a_sign_in_mail_carries_its_sealed_words_until_it_is_sent(ledger: Ledger) -> None:
    delivery = uuid4()
    async with ledger.user.bare(ANONYMOUS) as tx:
        person = await tx.value("select app.person_for($1)", f"{delivery.hex}@example.test")
        token_hash = delivery.bytes * 2
        await tx.value("select app.request_sign_in($1, $2, 15, $3, $4)", person, token_hash, delivery, b"words")
    [payload] = await payloads(ledger)
    assert (payload.sealed, payload.email, payload.event) == (b"words", f"{delivery.hex}@example.test", None)
    assert (payload.job.name, payload.job.lane, payload.type) == ("mail", 0, "session.requested")


async def owe(ledger: Ledger, wedding: Wedding, job: Job, kind: str, recipient: UUID) -> UUID:
    """A mail about the event of a job, to one recipient."""
    mail = uuid4()
    wanted = {
        "id": str(mail),
        "recipient_kind": kind,
        "recipient_id": str(recipient),
        "event_id": str(job.event_id),
        "event_at": job.made_at.isoformat(),
        "seq": 1,
        "type": "party.tried",
        "connector": "mail",
        "sealed": b"words".hex(),
    }
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        assert await tx.value("select app.owe($1)", msgspec.json.encode([wanted]).decode()) == 1
    return mail


async def test_a_person_hears_only_while_they_may_see_it(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    [webhook] = await ledger.claim()
    assert wedding.couple.id is not None
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        added = await tx.row("select membership_id, person_id from app.add_member('b@example.test', 'Ben', 'partner')")
        assert added is not None
    member, person = added
    mine = await owe(ledger, wedding, webhook, "person", wedding.couple.id)
    theirs = await owe(ledger, wedding, webhook, "person", person)
    await ledger.admin.execute("update memberships set removed_at = clock_timestamp() where id = $1", member)
    assert [p.job.id for p in await payloads(ledger)] == [mine]
    row = await ledger.admin.fetchrow("select state, reason, sealed from deliveries where id = $1", theirs)
    assert tuple(row) == ("revoked", "this person may no longer see this", None)


async def test_a_guest_without_contact_details_is_not_written_to(ledger: Ledger) -> None:
    wedding = await ledger.wedding()
    await ledger.endpoint(wedding)
    await ledger.facts(wedding)
    [webhook] = await ledger.claim()
    async with ledger.scene.enter(wedding.couple, wedding.id) as tx:
        party = await tx.value("insert into parties (wedding_id, name) values ($1, 'Lee') returning id", wedding.id)
        guests = [await tx.value(ADD_GUEST, wedding.id, party, name) for name in ("Ann", "Bo")]
        await tx.run(ADD_CONTACT, wedding.id, guests[0], party)
    known, unknown = [await owe(ledger, wedding, webhook, "guest", guest) for guest in guests]
    [payload] = await payloads(ledger)
    assert (payload.job.id, payload.contact_sealed, payload.recipient_id) == (known, b"contact", guests[0])
    assert await ledger.admin.fetchval("select state from deliveries where id = $1", unknown) == "cancelled"


ADD_GUEST = (
    "insert into guests (wedding_id, party_id, display_name, name_sort) values ($1, $2, $3::text, lower($3::text))"
    " returning id"
)
ADD_CONTACT = "insert into guest_contacts (wedding_id, guest_id, party_id, sealed) values ($1, $2, $3, 'contact')"


async def test_a_replay_is_the_same_event_in_the_low_lane(ledger: Ledger) -> None:
    wedding, stranger = await ledger.wedding(), await ledger.wedding()
    endpoint = await ledger.endpoint(wedding)
    await ledger.facts(wedding, 2)
    await payloads(ledger)
    await ledger.admin.execute("delete from jobs")
    await ledger.admin.execute("update deliveries set state = 'dead' where destination_id = $1 and seq = 1", endpoint)
    rows = await ledger.deliveries(endpoint)
    ids = [row["id"] for row in rows]
    async with ledger.user.enter(stranger.couple, stranger.id) as tx:
        assert await tx.value("select app.replay($1)", ids) == 0
    async with ledger.user.enter(wedding.couple, wedding.id) as tx:
        assert await tx.value("select app.replay($1)", ids) == 1
    [again] = await payloads(ledger)
    assert (again.job.lane, again.replay_of, again.job.event_id) == (3, ids[0], rows[0]["event_id"])
    assert await ledger.service.pool.fetchval("select app.replay_since($1, $2)", endpoint, rows[0]["made_at"]) == 0
