"""A Stripe that remembers: two suppliers' accounts behind the API's own addresses, with moods and pages to look in.

The API is below `/stripe/v1`, OAuth below `/stripe/oauth`, checkouts at `/stripe/pay/…`. At `/stripe` a visitor refunds
as the supplier would in Stripe's pages, and disputes as a bank does; whatever happens is told by signed hooks.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.enums import MediaType, RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from wedsync.connections.fake_client import CLIENT_ID, CLIENT_SECRET, HOOK_SECRET
from wedsync.connections.fake_consent import Consent
from wedsync.connections.fakes import FINE, Moods, drop_connection, given, pages
from wedsync.connectors.stripe import fake_hooks
from wedsync.connectors.stripe.fake_hooks import Hooks
from wedsync.connectors.stripe.fake_store import Object, Store, StripeError, form_of, shown
from wedsync.kit.errors import Refusal, not_found

ACCOUNTS: Final = {"carla@sandbox.example": "acct_carla", "dario@sandbox.example": "acct_dario"}
SLOW_S: Final = 3.0
RETRY_AFTER_S: Final = 7
MOODS: Final = {
    "slow": f"Answers after {SLOW_S:g} seconds.",
    "429": f"Answers 429 with Retry-After: {RETRY_AFTER_S}.",
    "5xx": "Answers 503.",
    "dead token": "Refuses every key: 401.",
    "lost reply": "Does what is asked and closes the connection without an answer.",
    "truncated": "Answers 200 with the first half of the answer.",
    "unknown fields": "Answers with members that nobody has heard of.",
    **fake_hooks.MOODS,
}
SHOWN_MAX: Final = 50
ApiRequest = Request[Any, Any, Any]
Posted = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


class Stripe:
    """The provider. What people do in it can be done by the methods of its `store`."""

    title = "Stripe"

    def __init__(self, hooks_url: str = "", secret: str = HOOK_SECRET) -> None:
        self.moods = Moods(MOODS)
        self.hooks = Hooks(self.moods, hooks_url, secret)
        self.store = Store(self.hooks.tell)
        self.stopping = asyncio.Event()
        names = {email: email.partition("@")[0].title() for email in ACCOUNTS}
        for email, id in ACCOUNTS.items():
            self.store.add_account(id, name=f"{names[email]}'s studio", email=email)
        self.consent = Consent(
            "/stripe/oauth",
            "Stripe",
            accounts=names,
            scopes={"read_write": "Take payments for you, and refund them"},
            has_pkce=False,
        )
        routes = {"stripe": given(self)}
        self.routes: Sequence[ControllerRouterHandler] = [
            Router("/stripe/v1", route_handlers=API, dependencies=routes),
            Router("/stripe", route_handlers=PAGES_OF_IT, dependencies=routes),
            *self.consent.routes,
        ]

    @property
    def address(self) -> str:
        return "/stripe"

    async def start(self) -> None:
        await self.hooks.start()

    async def stop(self) -> None:
        self.stopping.set()
        await self.hooks.stop()

    def settings_at(self, at: str) -> Mapping[str, Any]:
        return {
            "stripe_base_url": f"{at}{self.address}",
            "stripe_client_id": CLIENT_ID,
            "stripe_secret_key": CLIENT_SECRET,
            "stripe_webhook_secrets": self.hooks.secret,
            "stripe_authorize_url": f"{at}/stripe/oauth/authorize",
            "stripe_token_url": f"{at}/stripe/oauth/token",
            "stripe_deauthorize_url": f"{at}/stripe/oauth/deauthorize",
        }

    def account_of(self, request: ApiRequest) -> str:
        """Whom a call is for: the account that is named, or whose token it is; '' is the platform. Raises StripeError.

        A person who connects without an account gets one, as at Stripe.
        """
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        named: str = request.headers.get("stripe-account", "")
        if key == CLIENT_SECRET:
            return str(self.store.account(named)["id"]) if named else ""
        email = self.consent.account_of(request)
        if email is None:
            raise StripeError(401, "", "Invalid API Key provided.")
        id = ACCOUNTS.get(email) or f"acct_{''.join(one for one in email if one.isalnum())}"
        if id not in self.store.accounts:
            self.store.add_account(id, name=email.partition("@")[0].title(), email=email)
        return id


def build(settings: Any) -> Stripe:
    """Tells the product of the same settings."""
    public = getattr(settings, "public_url", "")
    return Stripe(f"{public}/hooks/stripe" if public else "")


async def answered(
    stripe: Stripe, request: ApiRequest, act: Callable[[str, dict[str, str]], Object]
) -> Response[bytes]:
    """What Stripe answers to a call, in whatever mood it is. `act` is given the account and the form."""
    mood = FINE if stripe.moods.current in fake_hooks.MOODS else stripe.moods.take()
    if mood == "slow":
        with suppress(TimeoutError):
            await asyncio.wait_for(stripe.stopping.wait(), SLOW_S)
    form = form_of(await request.body())
    headers: dict[str, str] = {}
    status = 200
    try:
        _refuse(mood)
        account = stripe.account_of(request)
        key = request.headers.get("idempotency-key", "")
        answer = shown(stripe.store.once(account, key, form, lambda: act(account, form)))
    except StripeError as error:
        answer, status = error.body, error.status
        headers = {"retry-after": str(RETRY_AFTER_S)} if mood == "429" else {}
    if mood == "lost reply":
        drop_connection(request)
    told = msgspec.json.encode({**answer, "novelty": {"of": ["tomorrow"]}} if mood == "unknown fields" else answer)
    if mood == "truncated":
        told = told[: len(told) // 2]
    return Response(told, status_code=status, headers=headers, media_type=MediaType.JSON)


@post("/oauth/deauthorize")
async def deauthorize(request: ApiRequest, stripe: Stripe) -> Response[Object]:
    """By the platform's key alone; it tells of it by a hook, as when the supplier takes the access away."""
    form, key = form_of(await request.body()), request.headers.get("authorization", "").removeprefix("Bearer ")
    account, mood = form.get("stripe_user_id", ""), stripe.moods.take()
    if mood == "5xx":
        return Response({"error": "server_error", "error_description": "Something went wrong."}, status_code=503)
    if key != CLIENT_SECRET or form.get("client_id") != CLIENT_ID or account not in stripe.store.accounts:
        why = f"This application is not connected to stripe account {account}, or that account does not exist."
        return Response({"error": "invalid_client", "error_description": why}, status_code=401)
    stripe.store.leave(account)
    return Response({"stripe_user_id": account}, status_code=200)


@get("/account")
async def get_account(request: ApiRequest, stripe: Stripe) -> Response[bytes]:
    return await answered(stripe, request, lambda account, _: stripe.store.account(account))


@post("/checkout/sessions")
async def create_session(request: ApiRequest, stripe: Stripe) -> Response[bytes]:
    at = str(request.base_url).rstrip("/")
    return await answered(stripe, request, lambda account, form: stripe.store.create_session(account, form, at))


@get("/checkout/sessions/{id:str}")
async def get_session(id: str, request: ApiRequest, stripe: Stripe) -> Response[bytes]:
    return await answered(stripe, request, lambda account, _: _own(stripe.store.sessions, id, account))


@get("/payment_intents/{id:str}")
async def get_intent(id: str, request: ApiRequest, stripe: Stripe) -> Response[bytes]:
    def act(account: str, _: dict[str, str]) -> Object:
        intent = _own(stripe.store.intents, id, account)
        if "latest_charge" in request.query_params.getall("expand[]", []):
            return {**intent, "latest_charge": shown(stripe.store.charges[intent["latest_charge"]])}
        return intent

    return await answered(stripe, request, act)


@get("/charges/{id:str}")
async def get_charge(id: str, request: ApiRequest, stripe: Stripe) -> Response[bytes]:
    return await answered(stripe, request, lambda account, _: _own(stripe.store.charges, id, account))


@post("/refunds")
async def create_refund(request: ApiRequest, stripe: Stripe) -> Response[bytes]:
    return await answered(stripe, request, stripe.store.refund)


@get("/application_fees")
async def list_fees(request: ApiRequest, stripe: Stripe) -> Response[bytes]:
    def act(account: str, _: dict[str, str]) -> Object:
        if account:
            raise StripeError(403, "platform_account_required", "Only platforms can list application fees.")
        query = request.query_params
        return stripe.store.fee_page(limit=int(query.get("limit", "10")), after=query.get("starting_after", ""))

    return await answered(stripe, request, act)


@get("/", media_type=MediaType.HTML)
async def show(stripe: Stripe) -> str:
    charges = list(reversed(stripe.store.charges.values()))[:SHOWN_MAX]
    disputes = {one["charge"]: one for one in stripe.store.disputes.values()}
    names = {id: one["business_profile"]["name"] for id, one in stripe.store.accounts.items()}
    values = {"charges": charges, "disputes": disputes, "names": names, "hooks_url": stripe.hooks.url}
    return PAGES.get_template("stripe.html").render(moods=stripe.moods, action="/stripe/mood", **values)


@get("/pay/{id:str}", media_type=MediaType.HTML)
async def show_checkout(id: str, stripe: Stripe) -> str:
    session = stripe.store.sessions.get(id)
    if session is None:
        raise not_found("checkout")
    return PAGES.get_template("checkout.html").render(session=session)


@post("/pay/{id:str}")
async def pay(id: str, stripe: Stripe) -> Redirect:
    _tried(lambda: stripe.store.pay(id))
    return Redirect(stripe.store.sessions[id]["success_url"], status_code=303)


@post("/charges/{id:str}")
async def act_on_charge(id: str, stripe: Stripe, data: Posted) -> Redirect:
    """What the forms of the page do: refund, dispute, and end a dispute."""
    store, what, charge = stripe.store, data.get("what", ""), stripe.store.charges.get(id)
    if charge is None:
        raise not_found("charge")
    if what == "refund":
        with_fee = {"refund_application_fee": "true"} if charge["application_fee"] else {}
        form = {"charge": id, "amount": data.get("amount", ""), **with_fee}
        _tried(lambda: store.refund(charge["_account"], form))
    elif what == "dispute":
        store.dispute(id)
    else:
        for one in [d for d in store.disputes.values() if d["charge"] == id and d["status"] == "needs_response"]:
            store.close_dispute(one["id"], is_won=what == "win")
    return Redirect("/stripe", status_code=303)


@post("/mood")
async def change_mood(stripe: Stripe, data: Posted) -> Redirect:
    times = data.get("times", "")
    stripe.moods.switch(data.get("mood", ""), int(times) if times.isdigit() else None)
    return Redirect("/stripe", status_code=303)


def _tried(act: Callable[[], Any]) -> None:
    try:
        act()
    except StripeError as error:
        raise Refusal(error.status, "refused", f"{error} Go back and change it.") from error


def _own(found: Mapping[str, Object], id: str, account: str) -> Object:
    one = found.get(id)
    if one is None or one["_account"] != account:
        raise StripeError(404, "resource_missing", f"No such object: '{id}'")
    return one


def _refuse(mood: str) -> None:
    """What is refused whoever asks. Raises StripeError."""
    if mood == "dead token":
        raise StripeError(401, "", "Invalid API Key provided.")
    if mood == "429":
        raise StripeError(429, "rate_limit", "Too many requests.", kind="rate_limit_error")
    if mood == "5xx":
        raise StripeError(503, "", "Something went wrong on Stripe's end.", kind="api_error")


API = [get_account, create_session, get_session, get_intent, get_charge, create_refund, list_fees]
PAGES_OF_IT = [show, show_checkout, pay, act_on_charge, change_mood, deauthorize]
PAGES = pages(Path(__file__).parent / "templates")
