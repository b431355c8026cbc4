"""What goes into a request so that the receiver knows who sends it: own headers, a key, a token, a certificate."""

from datetime import datetime
from uuid import UUID

import msgspec

from wedsync.kit import clock, credentials
from wedsync.kit.credentials import EXPIRES_AT, PEM, Credentials
from wedsync.kit.http import Wire
from wedsync.kit.oauth import Grant, Tokens


class ProofError(Exception):
    """What is set can prove nothing any more: a person has to set it anew."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """`token` is the one among the headers that may be asked for anew; `secrets` are what no log may show."""

    headers: dict[str, str] = {}
    identity: bytes = b""
    token: str | None = None
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Proof({sorted(self.headers)})"


class Prover:
    """Makes proofs for one process, and keeps the tokens it was given."""

    def __init__(self, wire: Wire) -> None:
        self._tokens = Tokens(wire, monotonic=clock.monotonic)

    async def proof(
        self, held: Credentials, endpoint: UUID, *, now: datetime, timeout_s: float, refused: str | None = None
    ) -> Proof:
        """Raises TokenError, ProofError, and TimeoutError where the token server is late."""
        headers = credentials.written(held)
        if held.kind == "oauth2":
            grant = msgspec.convert(held.typed, type=Grant)
            token = await self._tokens.get(endpoint, grant, timeout_s=timeout_s, refused=refused)
            headers["authorization"] = f"Bearer {token}"
            return Proof(headers=headers, token=token, secrets=(*held.secrets, token))
        if held.kind == "mtls":
            expires_at = datetime.fromisoformat(held.auth[EXPIRES_AT])
            if expires_at <= now:
                raise ProofError(f"The client certificate expired on {expires_at:%Y-%m-%d}. Set one that is valid.")
            return Proof(headers=headers, identity=held.auth[PEM].encode(), secrets=held.secrets)
        return Proof(headers=headers, secrets=held.secrets)
