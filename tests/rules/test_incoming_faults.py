"""What was taken with 2xx and cannot be worked on just now is left to the next try; what never can be has failed."""

from typing import Any, cast
from uuid import uuid4

import msgspec
import pytest

from wedsync.connections import incoming
from wedsync.events.jobs import Job
from wedsync.kit.errors import Refusal
from wedsync.kit.seal import KeyRing

BUSY = Refusal(503, "busy", "Somebody else has held this for long. Try again in a moment.")
LOST = Refusal(409, "lease_lost", "Another worker has taken this job.")
WRONG = Refusal(422, "invalid", "None of that is known here.")


class Held(msgspec.Struct):
    args: str
    attempt: int = 1


@pytest.mark.parametrize(("refusal", "is_final"), [(BUSY, False), (LOST, False), (WRONG, True)])
async def test_only_what_stays_refused_has_failed(
    monkeypatch: pytest.MonkeyPatch, refusal: Refusal, is_final: bool
) -> None:
    failed: list[str] = []

    async def refuses(*_: Any) -> None:
        raise refusal

    async def fails(*values: Any) -> None:
        failed.append(values[-1])

    monkeypatch.setattr(incoming, "_work", refuses)
    monkeypatch.setattr(incoming, "_fail", fails)
    job = cast(Job, Held(args=msgspec.json.encode({"hook_id": uuid4()}).decode()))
    run = incoming.works(cast(KeyRing, None))[incoming.WORK]
    if is_final:
        await run(cast(Any, None), job)
        assert failed == [refusal.detail]
    else:
        with pytest.raises(Refusal) as told:
            await run(cast(Any, None), job)
        assert told.value is refusal
        assert failed == []
