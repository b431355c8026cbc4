"""What payment providers say, in any order and any number of times: it merges to the same, and balances to the cent."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wedsync.connections.charging.contract import Fee
from wedsync.connections.charging.reconciling import report
from wedsync.kit.errors import Refusal
from wedsync.payments import model, movements
from wedsync.payments.movements import RANKS, Movement, Standing, merge

AT = datetime(2027, 1, 10, 19, 30, tzinfo=UTC)
PAYMENT = UUID(int=7)
minors = st.integers(1, 10**9)


@st.composite
def said(draw: st.DrawFn, kind: str = "", id: str = "") -> Movement:
    """Anything that may be said of one thing."""
    kind = kind or draw(st.sampled_from(sorted(RANKS)))
    return Movement(
        kind=kind,  # type: ignore[arg-type]
        id=id or draw(st.sampled_from(["a", "b", "c"])),
        status=draw(st.sampled_from(sorted(RANKS[kind]))),
        currency="GBP",
        amount_minor=draw(st.integers(0, 9)),
        returned_minor=draw(st.integers(0, 9)),
        said_at=AT + timedelta(seconds=draw(st.integers(0, 2))),
        intent=draw(st.sampled_from(["", "pi"])),
        charge=draw(st.sampled_from(["", "ch"])),
        payment=draw(st.sampled_from([None, PAYMENT])),
    )


@given(st.sampled_from(sorted(RANKS)).flatmap(lambda kind: st.tuples(*[said(kind, "x")] * 3)))
def test_merging_does_not_mind_order_or_repeats(three: tuple[Movement, Movement, Movement]) -> None:
    one, two, last = three
    assert merge(one, two) == merge(two, one)
    assert merge(merge(one, two), last) == merge(one, merge(two, last))
    assert merge(one, one) == one
    assert merge(merge(one, two), one) == merge(one, two)


def history(rng: Random, amount: int, rate_bp: int) -> tuple[list[Movement], Standing, dict[str, int]]:
    """One charge and what became of it, as a provider would say it; how it ends, and the fee that is held then."""
    fee = movements.share(amount, rate_bp)
    base: dict[str, Any] = {"currency": "GBP", "intent": "pi", "charge": "ch"}
    charge: dict[str, Any] = {
        "kind": "charge",
        "id": "pi",
        "status": "succeeded",
        "amount_minor": amount,
        "payment": PAYMENT,
    }
    told = [Movement(said_at=AT, **base, **charge)]
    refunded, returned, snapshot = 0, 0, 0
    for number in range(rng.randrange(4)):
        part = rng.randint(1, max(amount // 3, 1))
        if refunded + part > amount:
            break
        snapshot += part
        refund: dict[str, Any] = {"kind": "refund", "id": f"re{number}", "amount_minor": part}
        # A hook that says what the charge has given back in all, and one of the refund itself; either may be lost.
        told.append(Movement(said_at=AT, returned_minor=snapshot, **base, **charge))
        status: Any = rng.choice(["pending", "succeeded"])
        told.append(Movement(said_at=AT, status=status, **base, **refund))
        if rng.random() < 0.2:
            told.append(Movement(said_at=AT, status="failed", **base, **refund))
            snapshot -= part
        else:
            refunded += part
            returned = fee * refunded // amount
        told.append(_fee(fee, returned))
    lost = disputed = 0
    if refunded < amount and rng.random() < 0.3:
        dispute: dict[str, Any] = {"kind": "dispute", "id": "dp", "amount_minor": amount - refunded}
        told.append(Movement(said_at=AT, status="open", **base, **dispute))
        end: Any = rng.choice(["open", "won", "lost"])
        told.append(Movement(said_at=AT, status=end, **base, **dispute))
        lost, disputed = (amount - refunded if end == one else 0 for one in ("lost", "open"))
    told.append(_fee(fee, 0))
    ends = Standing(received=amount, refunded=refunded, disputed=disputed, lost=lost)
    return told, ends, {"fee": fee - returned}


def _fee(amount: int, returned: int) -> Movement:
    return Movement(
        kind="fee", id="fee", status="succeeded", currency="GBP", amount_minor=amount, returned_minor=returned,
        said_at=AT, charge="ch",
    )  # fmt: skip


def posted(told: list[Movement], rate_bp: int) -> tuple[Standing, dict[str, int], dict[str, int]]:
    """As the product takes it in, hook by hook, posting differences; the accounts of the ledger at the end."""
    known: dict[str, Movement] = {}
    ledger = {"receivable": 0, "income": 0, "provider": 0}
    due = taken = 0
    stands, fees = Standing(), {}
    for one in told:
        known[one.id] = merge(known[one.id], one) if one.id in known else one
        stands, fees = movements.standing(known.values(), "GBP"), movements.fees(known.values(), "GBP")
        now_due, now_taken = movements.share(stands.kept, rate_bp), sum(fees.values())
        for debit, credit, minor in (
            ("receivable", "income", now_due - due),
            ("provider", "receivable", now_taken - taken),
        ):
            ledger[debit] += minor
            ledger[credit] -= minor
        assert sum(ledger.values()) == 0, "balanced after every single hook"
        due, taken = now_due, now_taken
    return stands, fees, ledger


@given(st.integers(0, 2**32), minors, st.sampled_from([0, 1, 250, 500, 5000]))
def test_any_history_in_any_order_ends_where_it_ended(seed: int, amount: int, rate_bp: int) -> None:
    rng = Random(seed)
    told, ends, held = history(rng, amount, rate_bp)
    shuffled = [*told, *rng.choices(told, k=len(told))]
    rng.shuffle(shuffled)
    stands, fees, ledger = posted(shuffled, rate_bp)
    assert (stands, fees) == (ends, held)
    assert -ledger["income"] == movements.share(ends.kept, rate_bp)
    assert ledger["provider"] == held["fee"]


@given(st.lists(said(), max_size=12), st.integers(0, 500), minors)
def test_whatever_is_said_a_row_stands_within_its_limits(told: list[Movement], outside: int, amount: int) -> None:
    stands = movements.standing(told, "GBP")
    assert stands.kept >= 0
    before = {"outside_minor": outside, "amount_minor": amount, "status": "requested", "received_at": None}
    row = model.columns(before, stands, AT)
    back = row["refunded_minor"] + row["disputed_minor"] + row["lost_minor"] + outside
    assert back <= row["received_minor"]
    assert (row["received_minor"] > 0) == (row["received_at"] is not None) == (row["way"] != "")


def test_another_currency_is_not_this_payments_money() -> None:
    told = [Movement(kind="charge", id="pi", status="succeeded", currency="USD", amount_minor=5, said_at=AT)]
    assert movements.standing(told, "GBP") == Standing()


def test_what_may_not_be_changed_any_more_says_why() -> None:
    row = {"amount_minor": 100, "received_minor": 40, "outside_minor": 0, "status": "part_paid", "due_on": None}
    with pytest.raises(Refusal) as paid:
        model.changed(row, {"amount_minor": 90}, is_open=False)
    with pytest.raises(Refusal) as open_:
        model.changed({**row, "received_minor": 0}, {"amount_minor": 90}, is_open=True)
    with pytest.raises(Refusal) as gone:
        model.cancelled(row, is_open=False)
    assert [one.value.code for one in (paid, open_, gone)] == ["paid_already", "being_paid", "paid_already"]


def test_a_report_names_every_fee_that_is_not_the_same_on_both_sides() -> None:
    def fee(id: str, amount: int, returned: int = 0) -> Fee:
        where = {"account": "acct", "charge": "ch", "currency": "GBP", "made_at": AT}
        return Fee(id=id, amount_minor=amount, returned_minor=returned, **where)  # type: ignore[arg-type]

    held = [{"reference": id, "currency": "GBP", "minor": n} for id, n in (("same", 5), ("less", 3), ("ours", 2))]
    theirs = [fee("same", 9, 4), fee("less", 4), fee("theirs", 7), fee("nothing", 6, 6)]
    sides = [
        {"currency": "GBP", "account": "provider", "debit_minor": 10, "credit_minor": 0},
        {"currency": "GBP", "account": "income", "debit_minor": 0, "credit_minor": 10},
    ]
    found = report(theirs, held, sides, [])
    assert [(one.fee, one.ours_minor, one.theirs_minor) for one in found.differences] == [
        ("less", 3, 4),
        ("ours", 2, None),
        ("theirs", None, 7),
    ]
    assert (found.is_balanced, found.is_clean, found.matched) == (True, False, 2)
    assert not report(theirs, held, sides[:1], []).is_balanced
