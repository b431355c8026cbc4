"""What is peculiar to Light Blue: its status in the body of a 200, and the form of its parameters."""

from datetime import UTC, date, datetime

import pytest

from wedsync.connections.contract import ReconnectNeeded, Rejected, RetryLater, Unknown
from wedsync.connections.records.contract import Known, Sent
from wedsync.connections.records.record import Record
from wedsync.connectors.light_blue import mapper
from wedsync.connectors.light_blue.answers import checked, taken
from wedsync.kit.http import Reply, Timing

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def reply(body: bytes, status: int = 200) -> Reply:
    return Reply(status=status, headers={}, body=body, ending="whole", timing=Timing())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"0\rOK", Sent),
        (b"0", Sent),
        (b"\xef\xbb\xbf0\r\nOK", Sent),
        (b"-1\rKey", ReconnectNeeded),
        (b"-3\rType", Rejected),
        (b"-4\rDuplicate", Known),
        (b"-20\rHTTPS", RetryLater),
        (b"-77\rWho knows", Rejected),
        (b"<html>0</html>", Unknown),
        (b"0 rows", Unknown),
        (b"00000", Unknown),
        (b"", Unknown),
    ],
)
def test_the_status_of_a_200_is_in_its_body(body: bytes, kind: type) -> None:
    said = taken(reply(body), now=NOW)
    assert type(said) is kind
    # A question changes nothing, so what cannot be read is asked again.
    assert (checked(reply(body), now=NOW) is None) == (kind is Sent)
    assert not isinstance(checked(reply(body), now=NOW), Unknown)


def test_a_200_that_refuses_a_duplicate_is_no_success_and_says_nothing_of_anybody() -> None:
    said = taken(reply(b"-4\rDuplicate of Maria Santos"), now=NOW)
    assert isinstance(said, Known)
    assert "Maria" not in said.reason + repr(said.attempt)


def test_redirects_and_pages_that_are_not_there_are_not_taken_for_answers() -> None:
    for status in (302, 404):
        assert isinstance(taken(reply(b"0\rOK", status), now=NOW), RetryLater)
    assert isinstance(taken(reply(b"0\rOK", 403), now=NOW), ReconnectNeeded)
    assert isinstance(taken(reply(b"0\rOK", 413), now=NOW), Rejected)


def test_a_couple_is_two_contacts_in_one_call_and_no_price_is_in_it() -> None:
    record = Record(
        stage="booked",
        wedding_on=date(2027, 6, 5),
        name="Maria Santos",
        partner_name="Tom Okafor",
        partner_email="tom@example.org",
        venue="Quinta da Serra",
        package="Gold, 3,450 EUR",
    )
    made = mapper.fields(record, "ref")
    assert made == {
        "Type": "contact form",
        "Source": "WedSync",
        "SourceAPIVersion": "1",
        "Reference": "ref",
        "DateFormat": "dd/mm/yyyy",
        "ShootType": "Wedding",
        "ShootTitle": "Maria Santos & Tom Okafor",
        "ShootDate": "05/06/2027",
        "ContactNameFull": "Maria Santos\rTom Okafor",
        "ContactEmail": "\rtom@example.org",
        "Message": "They have booked.\nVenue: Quinta da Serra",
    }


def test_what_nobody_has_said_is_not_sent() -> None:
    made = mapper.fields(Record(email="a@example.org"), "ref")
    assert made["ShootTitle"] == "a@example.org"
    assert not {"ShootDate", "ContactPhoneMobile", "ContactNameFull"} & set(made)
