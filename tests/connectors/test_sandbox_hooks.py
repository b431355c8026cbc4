"""The hooks of the sandbox's providers: lost, doubled, shuffled, and told again to whoever does not take them."""

import asyncio

import pytest

from wedsync.connections.fakes import Moods
from wedsync.connections.stage import serving
from wedsync.connectors.slack.fake import Slack
from wedsync.connectors.stripe import fake_hooks as stripe_hooks
from wedsync.connectors.twilio import fake_hooks as twilio_hooks


async def test_what_happened_is_told_twice_or_in_another_order_where_the_mood_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slack = Slack()
    async with serving([slack]) as at:
        await told(slack, at, monkeypatch)


async def told(slack: Slack, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's fake stands for whoever takes them: it notes each call."""
    monkeypatch.setattr(stripe_hooks, "GATHERED_S", 0.001)
    taken, nowhere = f"{at}/slack/api/auth.test", f"{at}/nowhere"
    moods = Moods(stripe_hooks.MOODS)
    hooks = stripe_hooks.Hooks(moods, taken, "secret")
    await hooks.start()
    for mood, times in (("fine", 2), (stripe_hooks.SHUFFLED, 2), (stripe_hooks.DUPLICATE, 4), (stripe_hooks.OFF, 0)):
        slack.calls.clear()
        moods.switch(mood)
        for number in range(2):
            hooks.tell({"id": number})
        await asyncio.gather(*hooks._sending)
        assert len(slack.calls) == times, mood
    texts = twilio_hooks.Hooks(Moods(twilio_hooks.MOODS), "secret")
    await texts.start()
    texts._moods.switch(twilio_hooks.SHUFFLED)
    texts.tell(taken, [{"MessageStatus": state} for state in ("sent", "delivered")])
    await asyncio.gather(*texts._sending)
    assert {one.form["MessageStatus"] for one in slack.calls} == {"sent", "delivered"}
    # Whoever does not take them is told again a few times, and then no more.
    monkeypatch.setattr(stripe_hooks, "TRIES", 1)
    monkeypatch.setattr(twilio_hooks, "TRIES", 1)
    moods.switch("fine")
    hooks.url = nowhere
    hooks.tell({"id": 3})
    texts.tell(nowhere, [{"MessageStatus": "sent"}])
    await asyncio.gather(*hooks._sending, *texts._sending)
    await hooks.stop()
    await texts.stop()
