"""How often one caller may ask: a token bucket per person (or address) and process, told in `RateLimit` headers.

Generous, because it is there against loops and floods, not against use; what costs more (mails, finding a party by
name) has tighter limits of its own, shared through Valkey.
"""

from litestar.types import HTTPScope, Message, Scope

from wedsync.kit.actor import Actor
from wedsync.kit.errors import Refusal
from wedsync.kit.limits import Bucket, Decision, LocalLimits
from wedsync.web.respond import add_absent, encoded

REQUESTS = Bucket("requests", per_s=200, burst=2000)
ANONYMOUS_REQUESTS = Bucket("anonymous", per_s=50, burst=500)
# A provider sends everybody's hooks from a few addresses: the inbound door counts by source instead.
PASSED = ("/static/", "/healthz", "/readyz", "/metrics", "/hooks/")


def allow(scope: HTTPScope, limits: LocalLimits, actor: Actor) -> None:
    """Count one request of a caller; remembers the decision for the headers. Raises Refusal 429."""
    if scope["path"].startswith(PASSED):
        return
    client = scope["client"]
    if actor.id is not None:
        decision = limits.hit(REQUESTS, f"person|{actor.id}")
    else:
        decision = limits.hit(ANONYMOUS_REQUESTS, f"address|{client[0] if client else ''}")
    scope["state"]["limit"] = decision
    if not decision.is_allowed:
        raise Refusal(
            429,
            "too_many_requests",
            "Too many requests at once. Wait as long as Retry-After says.",
            headers=decision.headers(),
        )


async def tell(message: Message, scope: Scope) -> None:
    """Before every send: what is left, for API callers."""
    if message["type"] != "http.response.start" or not scope["path"].startswith(("/api/", "/auth/")):
        return
    decision: Decision | None = scope.get("state", {}).get("limit")
    if decision is not None:
        add_absent(message, encoded(decision.headers()))
