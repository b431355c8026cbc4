"""What a tenant types never makes us call ourselves, the network we stand in, or a cloud's metadata."""

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wedsync.kit import guard
from wedsync.kit.errors import Refusal

LOOPBACK = guard.parse_networks(("127.0.0.0/8", "::1/128"))
PUBLIC = "93.184.215.14"

REFUSED_LITERALS = [
    ("https://127.0.0.1/", "loopback"),
    ("https://127.255.255.254/", "loopback"),
    ("https://0.0.0.0/", "unspecified"),
    ("https://0.1.2.3/", "unspecified"),
    ("https://10.0.0.1/", "private"),
    ("https://10.255.255.255/", "private"),
    ("https://172.16.0.1/", "private"),
    ("https://172.31.255.255/", "private"),
    ("https://192.168.1.1/", "private"),
    ("https://100.64.0.1/", "shared carrier"),
    ("https://100.127.255.255/", "shared carrier"),
    ("https://169.254.169.254/latest/meta-data/", "link-local"),
    ("https://169.254.170.2/v2/credentials", "link-local"),
    ("https://192.0.0.192/", "reserved for protocols"),
    ("https://192.0.2.1/", "documentation"),
    ("https://198.51.100.7/", "documentation"),
    ("https://203.0.113.9/", "documentation"),
    ("https://192.31.196.1/", "reserved for protocols"),
    ("https://192.52.193.1/", "reserved for protocols"),
    ("https://192.88.99.1/", "reserved for protocols"),
    ("https://192.175.48.1/", "reserved for protocols"),
    ("https://198.18.0.1/", "benchmarks"),
    ("https://198.19.255.255/", "benchmarks"),
    ("https://224.0.0.1/", "multicast"),
    ("https://239.255.255.255/", "multicast"),
    ("https://240.0.0.1/", "reserved"),
    ("https://255.255.255.255/", "broadcast"),
    ("https://[::]/", "unspecified"),
    ("https://[::1]/", "loopback"),
    ("https://[0:0:0:0:0:0:0:1]/", "loopback"),
    ("https://[::ffff:127.0.0.1]/", "loopback"),
    ("https://[::ffff:7f00:1]/", "loopback"),
    ("https://[::ffff:10.0.0.1]/", "private"),
    ("https://[::ffff:169.254.169.254]/", "link-local"),
    ("https://[::127.0.0.1]/", "inside an IPv6"),
    ("https://[::ffff:0:127.0.0.1]/", "inside an IPv6"),
    ("https://[64:ff9b::127.0.0.1]/", "NAT64"),
    ("https://[64:ff9b::a9fe:a9fe]/", "NAT64"),
    ("https://[64:ff9b:1::a00:1]/", "NAT64"),
    ("https://[2002:7f00:1::]/", "6to4"),
    ("https://[2002:a9fe:a9fe::1]/", "6to4"),
    ("https://[2001:0:53aa:64c:0:fbff:80ff:fffe]/", "Teredo"),
    ("https://[2001:2::1]/", "reserved for protocols"),
    ("https://[2001:10::1]/", "reserved for protocols"),
    ("https://[2001:db8::1]/", "documentation"),
    ("https://[3fff::1]/", "documentation"),
    ("https://[100::1]/", "discard"),
    ("https://[5f00::1]/", "reserved for protocols"),
    ("https://[2620:4f:8000::1]/", "reserved for protocols"),
    ("https://[fc00::1]/", "private"),
    ("https://[fd00:ec2::254]/", "private"),
    ("https://[fe80::1]/", "link-local"),
    ("https://[fec0::1]/", "private"),
    ("https://[ff02::1]/", "multicast"),
    ("https://[4000::1]/", "outside the public range"),
    ("https://[::2]/", "inside an IPv6"),
]

REFUSED_SPELLINGS = [
    ("https://0177.0.0.1/", "disguise"),
    ("https://0x7f.0.0.1/", "disguise"),
    ("https://0x7f000001/", "disguise"),
    ("https://2130706433/", "disguise"),
    ("https://017700000001/", "disguise"),
    ("https://127.1/", "disguise"),
    ("https://127.0.1/", "disguise"),
    ("https://127.1:8443/", "disguise"),
    ("https://0x08080808/", "disguise"),
    ("https://127.0.0.1./", "disguise"),
    ("https://１２７.0.0.1/", "disguise"),
    ("https://127。0。0。1/", "disguise"),
    ("https://%31%32%37.0.0.1/", "% sign"),
    ("https://127.0.0.1%00.example.com/", "% sign"),
    ("https://[fe80::1%25eth0]/", "% sign"),
    ("https://user@example.com/", "user name"),
    ("https://user:secret@example.com/", "user name"),
    ("https://@example.com/", "user name"),
    ("https://example.com@127.0.0.1/", "user name"),
    ("https://example.com:443@127.0.0.1/", "user name"),
    ("https:\\\\example.com\\", "backslash"),
    ("https://example.com\\@127.0.0.1/", "backslash"),
    ("https://exam\tple.com/", "control character"),
    ("https://example.com/\r\nX-Evil: 1", "control character"),
    (" https://example.com/", "space"),
    ("https://example.com/a b", "space"),
    ("https://ⓔxample.com/", "look-alike"),
    ("https://ｅxample.com/", "look-alike"),
    ("https://example.com./", "not valid"),
    ("https://-example.com/", "not valid"),
    ("https://exa..mple.com/", "not valid"),
    ("https://" + "a" * 64 + ".com/", "not valid"),
    ("https://" + "a." * 130 + "com/", "not valid"),
    ("https://xn--0.com/", "cannot be read"),
    ("https://😀.example.com/", "not valid"),
    ("https:///example.com/", "does not start"),
    ("https:/example.com/", "does not start"),
    ("//example.com/", "does not start"),
    ("example.com/hooks", "does not start"),
    ("", "does not start"),
    ("file:///etc/passwd", "does not start"),
    ("gopher://example.com:25/", "does not start"),
    ("ftp://example.com/", "does not start"),
    ("javascript:alert(1)", "does not start"),
    ("https://", "does not start"),
    ("https://:443/", "cannot be read"),
    ("https://example.com:0/", "port 0"),
    ("https://example.com:65536/", "cannot be read"),
    ("https://256.256.256.256/", "cannot be read"),
    ("https://1.2.3.4.5/", "cannot be read"),
    ("https://[::1/", "cannot be read"),
    ("https://example.com/" + "a" * 2048, "longer than 2048"),
]

REFUSED_BY_RULE = [
    ("http://example.com/", "does not use https"),
    ("https://example.com:22/", "uses port 22"),
    ("https://example.com:80/", "uses port 80"),
    ("https://example.com:8000/", "uses port 8000"),
    ("https://example.com:5432/", "uses port 5432"),
    ("https://8.8.8.8:53/", "uses port 53"),
]

TAKEN = [
    ("https://example.com/hooks?a=1#frag", "https://example.com/hooks?a=1"),
    ("HTTPS://EXAMPLE.com:443", "https://example.com/"),
    ("https://example.com:8443/x", "https://example.com:8443/x"),
    ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    ("https://a_b.example.com/", "https://a_b.example.com/"),
    ("https://8.8.8.8/", "https://8.8.8.8/"),
    ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
    ("https://[::ffff:8.8.8.8]/", "https://[::ffff:808:808]/"),
    ("https://100.63.255.255/", "https://100.63.255.255/"),
    ("https://172.32.0.1/", "https://172.32.0.1/"),
    ("https://198.20.0.1/", "https://198.20.0.1/"),
]

NOT_PUBLIC = r"leads to an address that is not public.*WEDSYNC_EGRESS_ALLOW"


def judged(url: str, *answers: str, allow: tuple = ()) -> list[str]:
    target = guard.parse(url)
    return guard.choose(target, [str(target.literal)] if target.literal else list(answers), allow)


@pytest.mark.parametrize(("url", "kind"), REFUSED_LITERALS)
def test_an_address_that_is_not_public_is_refused_by_its_class(url: str, kind: str) -> None:
    with pytest.raises(guard.TargetError, match=f"leads to an? .*{kind}.*WEDSYNC_EGRESS_ALLOW"):
        judged(url)


@pytest.mark.parametrize(("url", "kind"), REFUSED_LITERALS)
def test_a_name_that_leads_to_such_an_address_is_refused_and_only_the_log_hears_of_the_range(
    url: str, kind: str
) -> None:
    literal = guard.parse(url).literal
    assert literal is not None
    with pytest.raises(guard.TargetError, match=NOT_PUBLIC) as caught:
        judged("https://innocent.example/", str(literal))
    found = caught.value.found
    assert re.search(kind, found)
    assert not re.search(kind, str(caught.value))
    told = found.rpartition(" in " if " in " in found else "range ")[2]
    assert (literal in ip_network(told)) != (told == "2000::/3")


@pytest.mark.parametrize(("url", "says"), REFUSED_SPELLINGS)
def test_a_disguised_or_broken_url_is_refused(url: str, says: str) -> None:
    with pytest.raises(guard.TargetError, match=says):
        judged(url, PUBLIC)


@pytest.mark.parametrize(("url", "says"), REFUSED_BY_RULE)
def test_on_the_public_internet_only_https_on_known_ports(url: str, says: str) -> None:
    with pytest.raises(guard.TargetError, match=says):
        judged(url, PUBLIC)


@pytest.mark.parametrize(("url", "read_as"), TAKEN)
def test_an_honest_url_is_taken_in_its_plain_form(url: str, read_as: str) -> None:
    assert guard.parse(url).url == read_as
    assert judged(url, PUBLIC)


def test_one_bad_answer_among_good_ones_refuses_the_name() -> None:
    with pytest.raises(guard.TargetError, match="not public"):
        judged("https://example.com/", PUBLIC, "10.0.0.1")
    with pytest.raises(guard.TargetError, match="no address"):
        judged("https://example.com/")
    assert judged("https://example.com/", PUBLIC, "::ffff:8.8.8.8", PUBLIC) == [PUBLIC, "8.8.8.8"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://127.0.0.1/", "loopback"),
        ("http://example.com/", "https"),
        ("https://example.com:25/", "port 25"),
        ("https://localhost/", "a name inside a network"),
        ("https://valkey:8443/", "a name inside a network"),
        ("https://user@example.com/", "user name"),
    ],
)
def test_what_is_wrong_without_asking_dns_is_said_when_it_is_typed(url: str, says: str) -> None:
    with pytest.raises(guard.TargetError, match=says):
        guard.check(url, ())
    assert guard.check("https://example.com/hooks", ()).host == "example.com"
    assert guard.check("http://localhost:8002/hooks", LOOPBACK).port == 8002
    with pytest.raises(guard.TargetError, match="private"):
        guard.check("http://10.0.0.1/hooks", LOOPBACK)


def test_an_opened_range_takes_http_and_any_port_there_and_only_there() -> None:
    assert judged("http://localhost:8002/hooks", "127.0.0.1", "::1", allow=LOOPBACK) == ["127.0.0.1", "::1"]
    assert judged("http://[::ffff:127.0.0.1]:9/", allow=LOOPBACK) == ["127.0.0.1"]
    with pytest.raises(guard.TargetError, match="not public"):
        judged("http://localhost:8002/", "127.0.0.1", "10.0.0.1", allow=LOOPBACK)
    with pytest.raises(guard.TargetError, match="does not use https"):
        judged("http://mixed.example/", "127.0.0.1", PUBLIC, allow=LOOPBACK)


def test_opening_nat64_does_not_open_private_addresses_behind_it() -> None:
    nat64 = guard.parse_networks(("64:ff9b::/96",))
    assert judged("https://example.com/", "64:ff9b::808:808", allow=nat64)
    with pytest.raises(guard.TargetError, match="not public"):
        judged("https://example.com/", "64:ff9b::a00:1", allow=nat64)
    assert judged("https://example.com/", "64:ff9b::a00:1", allow=(*nat64, *guard.parse_networks(("10.0.0.0/8",))))


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("64:ff9b::7f00:1", "127.0.0.1"),
        ("::10.0.0.1", "10.0.0.1"),
        ("::ffff:0:10.0.0.1", "10.0.0.1"),
        ("2002:a00:1::5", "10.0.0.1"),
        ("2001:0:53aa:64c:0:fbff:80ff:fffe", "127.0.0.1"),
        ("2606:4700::1", None),
        ("::1", None),
        ("8.8.8.8", None),
    ],
)
def test_the_inner_address_of_a_tunnel_is_seen(address: str, inner: str | None) -> None:
    found = guard.embedded_v4(ip_address(address))
    assert (str(found) if found else None) == inner


@settings(deadline=None)
@given(st.ip_addresses())
def test_whatever_python_calls_not_global_is_refused(address) -> None:
    address = guard.canonical(str(address))
    if not address.is_global or address.is_multicast:
        assert guard.address_class(address) is not None


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_taken_or_refused_but_never_crashes(text: str) -> None:
    for url in (text, "https://" + text):
        try:
            target = guard.parse(url)
        except guard.TargetError:
            continue
        assert target.scheme in {"http", "https"}
        assert guard.parse(target.url) == target


def test_a_wrong_range_in_the_setting_says_so() -> None:
    for text in ("10.0.0.1/8", "lan", "300.0.0.0/8"):
        with pytest.raises(ValueError, match="WEDSYNC_EGRESS_ALLOW"):
            guard.parse_networks((text,))


def test_a_refused_url_becomes_a_problem_that_names_the_field() -> None:
    with pytest.raises(guard.TargetError) as caught:
        guard.parse("ftp://example.com/")
    refusal = caught.value.as_refusal("url")
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code, refusal.errors[0].field) == (422, "url_not_allowed", "url")
    assert "https://" in refusal.errors[0].fix
