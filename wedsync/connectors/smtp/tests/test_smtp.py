"""Mails arrive whole and once, nothing breaks out of a header, and every answer leads to the right next step."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.certificates import Certificates
from wedsync.connections.contract import (
    Connection,
    Delivered,
    Delivery,
    Outcome,
    ReconnectNeeded,
    Rejected,
    RetryLater,
    Tools,
    Unknown,
)
from wedsync.connections.mailing import letter
from wedsync.connectors.smtp import client, mapper
from wedsync.connectors.smtp.connector import Smtp, connect
from wedsync.connectors.smtp.fake import Mailbox
from wedsync.kit import clock
from wedsync.kit.http import Wire

AT = datetime(2026, 6, 13, 14, 0, tzinfo=UTC)
DELIVERY = UUID("01970000-0000-7000-8000-00000000d001")
TENANT = UUID("01970000-0000-7000-8000-00000000a001")
SENDER = "WedSync <no-reply@wedsync.example>"
MESSAGE = {
    "to": "carla@example.com",
    "to_name": "Carla Müller",
    "subject": "You are invited 🎉",
    "text": "Dear Carla,\n\nplease answer: https://wedsync.example/rsvp/abc\n",
    "html": "<p>Dear Carla,</p><p><a href='https://wedsync.example/rsvp/abc'>Answer</a></p>",
}


@asynccontextmanager
async def mail_through(mailbox: Mailbox, *, url: str | None = None) -> AsyncIterator[Smtp]:
    await mailbox.start()
    wire = Wire()
    settings = {"mail_from": SENDER, "smtp_url": mailbox.address if url is None else url}
    connector = connect(Tools(wire=wire, machine_now=clock.machine_now, settings=settings))
    try:
        yield connector
    finally:
        await connector.close()
        await wire.close()
        await mailbox.stop()


async def send(connector: Smtp, *, timeout_s: float = 5.0, number: int = 1, **changes: Any) -> Outcome:
    delivery = Delivery(
        id=UUID(int=DELIVERY.int + number - 1), tenant=TENANT, timeout_s=timeout_s, message=MESSAGE | changes
    )
    return await connector.deliver(delivery, Connection(id=TENANT))


def written(**changes: Any) -> EmailMessage:
    mail = letter.read(MESSAGE | changes)
    envelope = mapper.to_envelope(mail, delivery_id=DELIVERY, sender=SENDER, at=AT)
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


async def test_a_mail_arrives_with_text_and_html_under_an_id_of_its_own() -> None:
    mailbox = Mailbox()
    async with mail_through(mailbox) as connector:
        outcome = await send(connector)
    assert isinstance(outcome, Delivered)
    assert outcome.remote_id == f"<{DELIVERY}@wedsync.example>"
    assert (outcome.attempt.status, outcome.attempt.address) == (250, "127.0.0.1")
    (mail,) = mailbox.mails
    assert (mail.sender, mail.to, mail.subject) == ("no-reply@wedsync.example", MESSAGE["to"], MESSAGE["subject"])
    assert mail.text == MESSAGE["text"]
    assert mail.html.strip() == MESSAGE["html"]
    assert mail.links == ["https://wedsync.example/rsvp/abc"]
    headers = dict(mail.headers)
    assert headers["To"] == "Carla Müller <carla@example.com>"
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["Content-Type"].startswith("multipart/alternative")
    assert "List-Unsubscribe" not in headers


def test_the_headers_that_were_asked_for_are_there() -> None:
    message = written(
        unsubscribe_url="https://wedsync.example/u/opaque-token",
        is_automatic=False,
        from_name="Ana & Ben",
        reply_to="ana@example.com",
        language="de",
    )
    assert message["List-Unsubscribe"] == "<https://wedsync.example/u/opaque-token>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Auto-Submitted"] is None
    assert message["From"] == "Ana & Ben <no-reply@wedsync.example>"
    assert message["Reply-To"] == "ana@example.com"
    assert message["Content-Language"] == "de"
    assert message["Date"].datetime == AT


async def test_the_same_delivery_twice_is_one_mail_that_came_twice() -> None:
    mailbox = Mailbox()
    async with mail_through(mailbox) as connector:
        await send(connector)
        await send(connector)
        await send(connector, number=2)
    assert sorted(mail.times for mail in mailbox.mails) == [1, 2]


async def test_connections_are_used_again_and_a_closed_one_is_replaced() -> None:
    mailbox = Mailbox()
    async with mail_through(mailbox) as connector:
        for number in range(1, 6):
            assert isinstance(await send(connector, number=number), Delivered)
        assert mailbox.connections == 1
        await mailbox.stop()
        assert isinstance(await send(connector, number=6), RetryLater)
        await mailbox.start()
        assert isinstance(await send(connector, number=7), Delivered)
        outcomes = await asyncio.gather(*(send(connector, number=number) for number in range(8, 28)))
        assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    assert len(mailbox.mails) == 26


@pytest.mark.parametrize(
    ("mood", "kind", "status"),
    [
        ("busy", RetryLater, 451),
        ("down", RetryLater, 421),
        ("refusing", Rejected, 550),
        ("duplicate", RetryLater, 451),
        ("dropped", Unknown, None),
    ],
)
async def test_every_mood_of_a_server_leads_to_the_right_next_step(
    mood: str, kind: type[Outcome], status: int | None
) -> None:
    mailbox = Mailbox()
    async with mail_through(mailbox) as connector:
        mailbox.moods.switch(mood, times=1)
        outcome = await send(connector)
        assert isinstance(outcome, kind)
        assert outcome.attempt.status == status
        assert isinstance(await send(connector), Delivered)
    assert [mail.times for mail in mailbox.mails] == [2 if mood in {"dropped", "duplicate"} else 1]


async def test_an_answer_that_comes_too_late_leaves_it_unknown_and_a_repeat_is_safe() -> None:
    mailbox = Mailbox()
    async with mail_through(mailbox) as connector:
        mailbox.moods.switch("slow", times=1)
        outcome = await send(connector, timeout_s=0.3)
    assert isinstance(outcome, Unknown)
    assert outcome.repeat_is_safe
    assert "it took over 0.3 s" in outcome.reason


async def test_a_server_that_says_nothing_or_is_not_there_is_tried_later() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with mail_through(Mailbox(), url=f"smtp://127.0.0.1:{port}") as connector:
        hanging = await send(connector, timeout_s=0.2)
        server.close()
        await server.wait_closed()
        absent = await send(connector)
    assert isinstance(hanging, RetryLater)
    assert isinstance(absent, RetryLater)
    assert "Error connecting to 127.0.0.1" in absent.reason


async def test_without_a_server_mails_wait_for_the_operator() -> None:
    async with mail_through(Mailbox(), url="") as connector:
        outcome = await send(connector)
    assert isinstance(outcome, ReconnectNeeded)
    assert "WEDSYNC_SMTP_URL" in outcome.reason


async def test_starttls_and_a_password_are_used_and_wrong_ones_need_the_operator(tmp_path: Path) -> None:
    authority = Certificates(tmp_path)
    root = tmp_path / "root.pem"
    root.write_bytes(authority.root_pem)
    mailbox = Mailbox(tls=authority.server("localhost"), sign_in=("mailer", "p@ss/word"))
    await mailbox.start()
    port = mailbox.address.rpartition(":")[2]
    await mailbox.stop()

    async def outcome_by(url: str) -> Outcome:
        one = Mailbox(port=int(port), tls=authority.server("localhost"), sign_in=("mailer", "p@ss/word"))
        async with mail_through(one, url=url) as connector:
            return await send(connector)

    assert isinstance(await outcome_by(f"smtp://mailer:p%40ss%2Fword@localhost:{port}?ca={root}"), Delivered)
    wrong = await outcome_by(f"smtp://mailer:guessed-wrong@localhost:{port}?ca={root}")
    assert isinstance(wrong, ReconnectNeeded)
    assert "refused our name and password (535)" in wrong.reason
    absent = await outcome_by(f"smtp://localhost:{port}?tls=starttls&ca={root}")
    assert isinstance(absent, ReconnectNeeded)
    untrusted = await outcome_by(f"smtp://mailer:p%40ss%2Fword@localhost:{port}")
    assert isinstance(untrusted, RetryLater)
    assert "certificate" in untrusted.reason.lower()


async def test_starttls_is_demanded_and_never_left_out() -> None:
    mailbox = Mailbox()
    await mailbox.start()
    url = f"{mailbox.address}?tls=starttls"
    port = int(mailbox.address.rpartition(":")[2])
    await mailbox.stop()
    plain = Mailbox(port=port)
    async with mail_through(plain, url=url) as connector:
        outcome = await send(connector)
    assert isinstance(outcome, ReconnectNeeded)
    assert not len(plain.mails)


async def test_an_address_in_letters_beyond_ascii_is_delivered() -> None:
    mailbox = Mailbox()
    async with mail_through(mailbox) as connector:
        assert isinstance(await send(connector, to="jürgen@bücher.example"), Delivered)
    (mail,) = mailbox.mails
    assert mail.to == "jürgen@xn--bcher-kva.example"


async def test_a_server_without_utf8_rejects_such_an_address_and_stays_in_use() -> None:
    mailbox = Mailbox(speaks_utf8=False)
    async with mail_through(mailbox) as connector:
        outcome = await send(connector, to="jürgen@example.com")
        assert isinstance(await send(connector), Delivered)
    assert isinstance(outcome, Rejected)
    assert "SMTPUTF8" in outcome.reason
    assert mailbox.connections == 1


async def test_a_connection_that_was_idle_too_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox()
    async with mail_through(mailbox) as connector:
        await send(connector)
        monkeypatch.setattr(client, "IDLE_MAX_S", -1.0)
        assert isinstance(await send(connector), Delivered)
    assert mailbox.connections == 2


async def test_a_kept_connection_that_hangs_ends_at_the_deadline_with_nothing_sent() -> None:
    """The server takes one mail and then says no more, as a connection does whose other end has vanished."""

    async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in ("220 hi", "250 hi", "250 ok", "250 ok", "354 go"):
            writer.write(answer.encode() + b"\r\n")
            await reader.readline()
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(vanish, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with mail_through(Mailbox(), url=f"smtp://127.0.0.1:{port}") as connector:
        assert isinstance(await send(connector), Delivered)
        outcome = await send(connector, timeout_s=0.2)
    server.close()
    assert isinstance(outcome, RetryLater)


async def test_an_erased_message_is_not_sent() -> None:
    async with mail_through(Mailbox()) as connector:
        delivery = Delivery(id=DELIVERY, tenant=TENANT, timeout_s=1.0)
        assert isinstance(await connector.deliver(delivery, Connection(id=TENANT)), Rejected)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "carla",
        "@example.com",
        "carla@",
        "carla@@example.com",
        "a@b@example.com",
        "carla@example.com\r\nBcc: eve@example.com",
        "carla@example.com, eve@example.com",
        "Carla <carla@example.com>",
        "carla @example.com",
        ".carla@example.com",
        "car..la@example.com",
        "carla@exa_mple.com",
        "carla@-example.com",
        "carla@[127.0.0.1]",
        "carla@" + "a" * 250 + ".com",
    ],
)
async def test_what_is_no_address_is_rejected_without_being_repeated(address: str) -> None:
    async with mail_through(Mailbox()) as connector:
        outcome = await send(connector, to=address)
    assert isinstance(outcome, Rejected)
    assert "carla" not in outcome.reason.lower()


@pytest.mark.parametrize(
    "changes",
    [{"subject": 7}, {"text": None}, {"unsubscribe_url": "https://x.example/\r\nBcc: a@b.c"}, {"text": "\ud800"}],
)
async def test_a_message_of_the_wrong_shape_is_rejected(changes: dict[str, Any]) -> None:
    async with mail_through(Mailbox()) as connector:
        assert isinstance(await send(connector, **changes), Rejected)


nasty = st.text(
    st.characters(codec="utf-8") | st.sampled_from('\r\n\0\x0b\x0c\x1c\x85\u2028\u2029:<>,;"\\='), max_size=30
)


@settings(max_examples=60, deadline=None)
@given(subject=nasty, to_name=nasty, from_name=nasty, language=nasty)
def test_nothing_breaks_out_of_a_header(subject: str, to_name: str, from_name: str, language: str) -> None:
    message = written(subject=subject, to_name=to_name, from_name=from_name, language=language)
    expected = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
    assert set(message.keys()) - {"Content-Language"} == expected
    assert len(message.keys()) == len(set(message.keys()))
    assert [address.addr_spec for address in message["To"].addresses] == ["carla@example.com"]
    assert [address.addr_spec for address in message["From"].addresses] == ["no-reply@wedsync.example"]
    assert text_of(message) == MESSAGE["text"]


@settings(deadline=None)
@given(
    text=st.text(
        st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=300
    )
)
def test_a_text_arrives_as_it_was_written(text: str) -> None:
    assert text_of(written(text=text, html="")).rstrip("\n") == text.rstrip("\n")
    assert max(map(len, written(text=text).as_bytes().splitlines()), default=0) <= 998


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:8025", ("127.0.0.1", 8025, "none", None, None)),
        ("smtp://localhost", ("localhost", 25, "none", None, None)),
        ("smtp://mail.example.com", ("mail.example.com", 587, "starttls", None, None)),
        ("smtp://u:p%40w@mail.example.com:2525", ("mail.example.com", 2525, "starttls", "u", "p@w")),
        ("smtp://u:p@localhost", ("localhost", 587, "starttls", "u", "p")),
        ("smtp+starttls://localhost", ("localhost", 587, "starttls", None, None)),
        ("smtps://u%40example.com:p@mail.example.com", ("mail.example.com", 465, "implicit", "u@example.com", "p")),
        ("smtp://mail.example.com:465?tls=implicit", ("mail.example.com", 465, "implicit", None, None)),
        ("smtp://10.0.0.5?tls=none", ("10.0.0.5", 25, "none", None, None)),
    ],
)
def test_the_setting_is_read_with_safe_defaults(url: str, expected: tuple[Any, ...]) -> None:
    assert client.parse_url(url)[:5] == expected


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://x:port", "smtp://x?tls=yes"]
)
def test_a_wrong_setting_says_what_to_mend_and_hides_the_password(url: str) -> None:
    with pytest.raises(ValueError, match="WEDSYNC_SMTP_URL"):
        client.parse_url(url)
    assert "hunter2" not in repr(client.parse_url("smtp://u:hunter2@mail.example.com"))


def test_keys_of_a_later_version_are_left_alone() -> None:
    assert letter.read(MESSAGE | {"attachments": []}) == msgspec.convert(MESSAGE, letter.Mail)
