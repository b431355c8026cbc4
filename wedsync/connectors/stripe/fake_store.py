"""What the fake Stripe remembers: accounts, checkouts, charges, refunds, disputes and fees, and what it says of them.

Objects have the members of the API's own that anybody here reads, in its shapes. Whatever changes is told as events.
"""

import hashlib
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from wedsync.kit import clock

EVENTS_MAX: Final = 200_000
EXPIRES_MIN_S, EXPIRES_MAX_S = 1800, 86_400
AMOUNT_MIN: Final = 30
Object = dict[str, Any]
Tell = Callable[[Object], None]


class StripeError(Exception):
    """An error of the API."""

    def __init__(self, status: int, code: str, message: str, *, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message}}


class Store:
    """Every object by its id; `tell` hears each event."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._numbers = count(1)
        self._once: dict[tuple[str, str], tuple[str, Object]] = {}
        self.accounts: dict[str, Object] = {}
        self.sessions: dict[str, Object] = {}
        self.intents: dict[str, Object] = {}
        self.charges: dict[str, Object] = {}
        self.refunds: dict[str, Object] = {}
        self.disputes: dict[str, Object] = {}
        self.fees: dict[str, Object] = {}
        self.events: list[Object] = []

    def add_account(self, id: str, *, name: str, email: str) -> Object:
        profile = {"name": name}
        state = {"charges_enabled": True, "payouts_enabled": True, "details_submitted": True}
        self.accounts[id] = {"id": id, "object": "account", "email": email, "business_profile": profile, **state}
        return self.accounts[id]

    def account(self, id: str) -> Object:
        """Raises StripeError 403, as for an account that has left."""
        found = self.accounts.get(id)
        if found is None:
            said = f"The provided key does not have access to account '{id}' (or that account does not exist)."
            raise StripeError(403, "account_invalid", said)
        return found

    def once(self, account: str, key: str, form: Mapping[str, str], make: Callable[[], Object]) -> Object:
        """The same key is answered with the same object; with another form it is refused, as Stripe does."""
        if not key:
            return make()
        digest = hashlib.sha256(msgspec.json.encode(sorted(form.items()))).hexdigest()
        held = self._once.get((account, key))
        if held is None:
            held = self._once[account, key] = (digest, shown(make()))
        if held[0] != digest:
            said = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            raise StripeError(400, "idempotency_key_in_use", said, kind="idempotency_error")
        return held[1]

    def create_session(self, account: str, form: Mapping[str, str], at: str) -> Object:
        """Raises StripeError."""
        line = "line_items[0][price_data]"
        amount, now = int(form.get(f"{line}[unit_amount]") or 0), _now()
        until = int(form.get("expires_at") or now + EXPIRES_MAX_S)
        if form.get("mode") != "payment" or not form.get(f"{line}[product_data][name]"):
            raise StripeError(400, "parameter_missing", "Missing required param: line_items.")
        if amount < AMOUNT_MIN:
            raise StripeError(400, "amount_too_small", "The total amount is below the minimum.")
        if not self.account(account)["charges_enabled"]:
            raise StripeError(400, "charges_not_enabled", "The account cannot currently make live charges.")
        if not now + EXPIRES_MIN_S - 60 <= until <= now + EXPIRES_MAX_S:
            raise StripeError(400, "parameter_invalid_integer", "expires_at must be 30 minutes to 24 hours from now.")
        fee = int(form.get("payment_intent_data[application_fee_amount]") or 0)
        if fee > amount:
            raise StripeError(400, "application_fee_too_large", "The application fee is larger than the charge.")
        id = self._new("cs_test")
        self.sessions[id] = {
            "id": id,
            "object": "checkout.session",
            "mode": "payment",
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "amount_total": amount,
            "currency": form[f"{line}[currency]"],
            "client_reference_id": form.get("client_reference_id"),
            "metadata": _metadata(form, "metadata"),
            "url": f"{at}/stripe/pay/{id}",
            "success_url": form.get("success_url"),
            "cancel_url": form.get("cancel_url"),
            "created": now,
            "expires_at": until,
            "_account": account,
            "_title": form[f"{line}[product_data][name]"],
            "_fee": fee,
            "_metadata": _metadata(form, "payment_intent_data[metadata]"),
        }
        return self.sessions[id]

    def pay(self, session_id: str) -> Object:
        """As the couple does on the checkout's page. Raises StripeError."""
        session = self.sessions.get(session_id)
        if session is None or session["status"] != "open" or session["expires_at"] <= _now():
            raise StripeError(400, "checkout_session_expired", "This page has expired. Go back and open it again.")
        charge = self.charge(
            session["_account"],
            session["amount_total"],
            session["currency"],
            fee=session["_fee"],
            metadata=session["_metadata"],
        )
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": charge["payment_intent"]}
        self.tell("checkout.session.completed", session, session["_account"])
        return charge

    def charge(self, account: str, amount: int, currency: str, *, fee: int, metadata: Mapping[str, str]) -> Object:
        """A payment that succeeds, with its fee."""
        intent_id, charge_id = self._new("pi"), self._new("ch")
        shared = {"currency": currency, "metadata": dict(metadata), "created": _now(), "_account": account}
        charge = self.charges[charge_id] = {
            "id": charge_id,
            "object": "charge",
            "payment_intent": intent_id,
            "status": "succeeded",
            "paid": True,
            "captured": True,
            "amount": amount,
            "amount_captured": amount,
            "amount_refunded": 0,
            "refunded": False,
            "application_fee": None,
            "application_fee_amount": fee or None,
            **shared,
        }
        intent = self.intents[intent_id] = {
            "id": intent_id,
            "object": "payment_intent",
            "status": "succeeded",
            "latest_charge": charge_id,
            "amount": amount,
            "amount_received": amount,
            "application_fee_amount": fee or None,
            **shared,
        }
        if fee:
            fee_id = charge["application_fee"] = self._new("fee")
            self.fees[fee_id] = {
                "id": fee_id,
                "object": "application_fee",
                "account": account,
                "charge": charge_id,
                "amount": fee,
                "amount_refunded": 0,
                "refunded": False,
                "currency": currency,
                "created": _now(),
            }
            self.tell("application_fee.created", self.fees[fee_id], "")
        self.tell("charge.succeeded", charge, account)
        self.tell("payment_intent.succeeded", intent, account)
        return charge

    def refund(self, account: str, form: Mapping[str, str]) -> Object:
        """Raises StripeError."""
        charge = self._charge_of(account, form)
        left = charge["amount_captured"] - charge["amount_refunded"]
        asked = form.get("amount") or str(left)
        amount = int(asked) if asked.isascii() and asked.isdigit() else 0
        if any(d["charge"] == charge["id"] and d["status"] == "needs_response" for d in self.disputes.values()):
            raise StripeError(400, "charge_disputed", "This charge is disputed.")
        if not left:
            raise StripeError(400, "charge_already_refunded", f"Charge {charge['id']} has already been refunded.")
        if not 0 < amount <= left:
            raise StripeError(400, "amount_too_large", f"Refund amount is greater than unrefunded amount ({left}).")
        returns_fee = form.get("refund_application_fee") == "true"
        if returns_fee and not charge["application_fee"]:
            said = f"Attempting to refund_application_fee on {charge['id']}, but it has no application fee."
            raise StripeError(400, "", said)
        id = self._new("re")
        made = {"amount": amount, "currency": charge["currency"], "created": _now(), "_account": account}
        whose = {"charge": charge["id"], "payment_intent": charge["payment_intent"]}
        self.refunds[id] = {"id": id, "object": "refund", "status": "succeeded", "metadata": {}, **whose, **made}
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self.tell("charge.refunded", charge, account)
        self.tell("refund.created", self.refunds[id], account)
        if returns_fee:
            self._return_fee(self.fees[charge["application_fee"]], charge)
        return self.refunds[id]

    def fail_refund(self, id: str) -> None:
        """The payer's bank sends it back, days later; what was given back of the fee stays given back."""
        refund = self.refunds[id]
        if refund["status"] == "failed":
            return
        refund["status"] = "failed"
        charge = self.charges[refund["charge"]]
        charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
        self.tell("refund.failed", refund, refund["_account"])

    def dispute(self, charge_id: str) -> Object:
        """The payer's bank takes back what is left of a charge."""
        charge, id = self.charges[charge_id], self._new("dp")
        amount = charge["amount_captured"] - charge["amount_refunded"]
        whose = {"charge": charge_id, "payment_intent": charge["payment_intent"], "_account": charge["_account"]}
        made = {"amount": amount, "currency": charge["currency"], "created": _now(), "metadata": {}}
        self.disputes[id] = {"id": id, "object": "dispute", "status": "needs_response", **whose, **made}
        self.tell("charge.dispute.created", self.disputes[id], charge["_account"])
        return self.disputes[id]

    def close_dispute(self, id: str, *, is_won: bool) -> None:
        dispute = self.disputes[id]
        dispute["status"] = "won" if is_won else "lost"
        self.tell("charge.dispute.closed", dispute, dispute["_account"])

    def leave(self, account: str) -> None:
        """The supplier takes our access away in Stripe's own pages."""
        self.accounts.pop(account, None)
        self.tell("account.application.deauthorized", {"id": "ca_sandbox", "object": "application"}, account)

    def change_account(self, account: str, **state: bool) -> None:
        self.accounts[account] |= state
        self.tell("account.updated", self.accounts[account], account)

    def fee_page(self, *, limit: int, after: str) -> Object:
        """Newest first."""
        ids = list(reversed(self.fees))
        start = ids.index(after) + 1 if after in self.fees else 0
        found = [self.fees[id] for id in ids[start : start + limit]]
        return {"object": "list", "url": "/v1/application_fees", "data": found, "has_more": len(ids) > start + limit}

    def tell(self, kind: str, found: Object, account: str) -> Object:
        """One event, with the object as it is at this moment."""
        event: Object = {
            "id": self._new("evt"),
            "object": "event",
            "type": kind,
            "created": _now(),
            "livemode": False,
            "data": {"object": shown(found)},
        }
        if account:
            event["account"] = account
        self.events.append(event)
        del self.events[:-EVENTS_MAX]
        self._tell(event)
        return event

    def _return_fee(self, fee: Object, charge: Object) -> None:
        """In proportion to what was refunded of the charge in all."""
        wanted = fee["amount"] * charge["amount_refunded"] // charge["amount_captured"]
        if wanted > fee["amount_refunded"]:
            fee |= {"amount_refunded": wanted, "refunded": wanted == fee["amount"]}
            self.tell("application_fee.refunded", fee, "")

    def _charge_of(self, account: str, form: Mapping[str, str]) -> Object:
        wanted = form.get("charge") or self.intents.get(form.get("payment_intent", ""), {}).get("latest_charge")
        charge = self.charges.get(wanted or "")
        if charge is None or charge["_account"] != account:
            raise StripeError(404, "resource_missing", "No such payment_intent.")
        return charge

    def _new(self, kind: str) -> str:
        return f"{kind}_{next(self._numbers):012d}"


def shown(found: Object) -> Object:
    """As the API answers it: what is ours alone is left out."""
    return {name: value for name, value in found.items() if not name.startswith("_")}


def form_of(body: bytes) -> dict[str, str]:
    """A posted form, its brackets as they were written."""
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def _metadata(form: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(f"{prefix}[").removesuffix("]"): value
        for name, value in form.items()
        if name.startswith(f"{prefix}[")
    }


def _now() -> int:
    return int(clock.machine_now().timestamp())
