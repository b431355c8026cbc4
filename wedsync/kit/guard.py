"""Which addresses on the network a tenant may make us call: pure rules for URLs and for the addresses they lead to.

The order matters and is the caller's (`wedsync.kit.http`): `parse` the text, resolve the name, `choose` among all
answers, connect to exactly the chosen address. One answer that is not public refuses the whole name, because the
attacker decides which of several answers is used. URLs are read by the parser of the HTTP client itself, so what is
judged here is what is dialled there. The lists follow the IANA special-purpose registries and Svix's guard.
"""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

import idna
from pyreqwest.http import Url

from wedsync.kit.errors import FieldError, Refusal

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_CHARACTERS_MAX = 2048
PORTS = (443, 8443)
SETTING = "WEDSYNC_EGRESS_ALLOW"

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_START = re.compile(r"(?i:https?)://([^/?#]+)")
_UNWANTED = re.compile(r"[\x00-\x20\x7f-\xa0\\]")


class TargetError(Exception):
    """A URL that must not be called: `reason` completes "The URL …", `fix` says what would be right.

    `found` is for the operator's log only: the class and range that a name leads to, which its tenant is not told.
    """

    def __init__(self, reason: str, fix: str, *, found: str = "") -> None:
        super().__init__(f"The URL {reason}. {fix}")
        self.reason = reason
        self.fix = fix
        self.found = found

    def as_refusal(self, field: str) -> Refusal:
        """The 422 for a tenant who typed this URL into `field`."""
        return Refusal(
            422, "url_not_allowed", str(self), errors=[FieldError(field, f"The URL {self.reason}", self.fix)]
        )


class Target(NamedTuple):
    """A URL as the client will read it. `literal` is set where the host is an address and nothing is to be resolved."""

    url: str
    scheme: str
    host: str
    port: int
    literal: Address | None


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """CIDR ranges from the setting; raises ValueError with a sentence for the operator."""
    ranges: list[Network] = []
    for text in texts:
        try:
            ranges.append(ip_network(text.strip(), strict=True))
        except ValueError as cause:
            raise ValueError(f"{SETTING}: {text!r} is not a range such as 10.0.0.0/8 or ::1/128 ({cause}).") from cause
    return tuple(ranges)


def parse(text: str) -> Target:
    """Reads a URL strictly: http or https, no credentials, no disguises; raises TargetError."""
    if len(text) > URL_CHARACTERS_MAX:
        raise TargetError(f"is longer than {URL_CHARACTERS_MAX} characters", "Use a shorter one.")
    if _UNWANTED.search(text):
        raise TargetError("holds a space, a control character or a backslash", "Remove it, or write it as %20.")
    start = _START.match(text)
    if start is None:
        raise TargetError("does not start with https://", "Write it in full, such as https://example.com/hooks.")
    authority = start.group(1)
    if "@" in authority:
        raise TargetError("holds a user name or password", "Remove everything before the @.")
    if "%" in authority:
        raise TargetError("holds a % sign in its host name", "Write the host name in plain letters.")
    try:
        url = Url(text)
    except ValueError as cause:
        raise TargetError(f"cannot be read: {cause}", "Check its spelling.") from cause
    port = url.port_or_known_default
    if not port:
        raise TargetError("names port 0", f"Use port {PORTS[0]}, or leave the port out.")
    host, literal = _host(url, authority)
    return Target(str(url).partition("#")[0], url.scheme, host, port, literal)


def check(text: str, allow: Sequence[Network]) -> Target:
    """All that can be said of a URL without asking DNS, for the moment a tenant types it; raises TargetError.

    What its name leads to is judged on every call, because that can change at any time.
    """
    target = parse(text)
    if target.literal is not None:
        choose(target, [str(target.literal)], allow)
    elif not allow:
        _check_public_rules(target)
        if "." not in target.host:
            raise TargetError(f"leads to {target.host}, a name inside a network", "Use a public host name.")
    return target


def choose(target: Target, answers: Sequence[str], allow: Sequence[Network]) -> list[str]:
    """The addresses that may be dialled, in the resolver's order, or TargetError if a single answer may not.

    Inside `allow` any scheme and port is fine; everywhere else https on the ports of `PORTS`.
    Of an address that somebody typed the text names the range. Of a name it says only that it is not public: a name
    must not become a way to read our DNS.
    """
    if not answers:
        raise TargetError(f"leads nowhere: {target.host} has no address", "Check the host name.")
    addresses = list(dict.fromkeys(canonical(answer) for answer in answers))
    for address in addresses:
        kind = address_class(address)
        if kind is not None and not _is_opened(address, allow):
            told = kind if target.literal is not None else "an address that is not public"
            fix = f"Use an address on the public internet, or ask the operator to open its range in {SETTING}."
            raise TargetError(f"leads to {told}", fix, found=kind)
    if not all(any(address in network for network in allow) for address in addresses):
        _check_public_rules(target)
    return [str(address) for address in addresses]


def canonical(text: str) -> Address:
    """The address that will really be reached: ::ffff:10.0.0.1 is 10.0.0.1, and a zone (`%eth0`) is not part of it."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def address_class(address: Address) -> str | None:
    """What is special about an address and its range, to follow "leads to"; None for one on the public internet."""
    if isinstance(address, IPv4Address):
        return _found(address, _SPECIAL_V4)
    special = _found(address, _SPECIAL_V6)
    if special is None and address not in _GLOBAL_V6:
        return "an address outside the public range 2000::/3"
    return special


def embedded_v4(address: Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one by NAT64, 6to4, Teredo, IPv4-compatible or SIIT form."""
    if isinstance(address, IPv4Address):
        return None
    if any(address in network for network in _V4_AT_THE_END) and int(address) > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return address.teredo[1] if address.teredo is not None else None


def _host(url: Url, authority: str) -> tuple[str, Address | None]:
    if url.domain is not None:
        return _checked_name(url.domain, authority), None
    host = (url.host_str or "").strip("[]")
    typed = authority.rpartition(":")[0] if ":" in authority and not authority.endswith("]") else authority
    if not typed.startswith("[") and typed != host:
        raise TargetError(f"holds the address {host} in disguise", "Write the address in its plain form.")
    return host, canonical(host)


def _checked_name(name: str, authority: str) -> str:
    if not authority.isascii() and "xn--" not in name:
        raise TargetError(f"spells {name} with look-alike characters", "Write the host name in plain letters.")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise TargetError("has a host name that is not valid", "Check it: letters, digits and hyphens between dots.")
    try:
        idna.decode(name) if "xn--" in name else None
    except idna.IDNAError as cause:
        raise TargetError(f"has a host name that is not valid: {cause}", "Check its spelling.") from cause
    return name


def _check_public_rules(target: Target) -> None:
    if target.scheme != "https":
        raise TargetError("does not use https", "Start it with https://: data about guests must travel encrypted.")
    if target.port not in PORTS:
        raise TargetError(f"uses port {target.port}", f"Use port {' or '.join(map(str, PORTS))}.")


def _is_opened(address: Address, allow: Sequence[Network]) -> bool:
    if not any(address in network for network in allow):
        return False
    # Opening 64:ff9b::/96 for a network with NAT64 must not open the private IPv4 addresses behind it.
    inner = embedded_v4(address)
    return inner is None or address_class(inner) is None or any(inner in network for network in allow)


def _found(address: Address, table: Sequence[tuple[Network, str]]) -> str | None:
    return next((f"{words} in {network}" for network, words in table if address in network), None)


def _table(rows: dict[str, tuple[str, ...]]) -> tuple[tuple[Network, str], ...]:
    return tuple((ip_network(text), words) for words, texts in rows.items() for text in texts)


_GLOBAL_V6 = IPv6Network("2000::/3")
_V4_AT_THE_END = tuple(IPv6Network(text) for text in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96"))

# RFC 6890 and the IANA IPv4 special-purpose address registry.
_SPECIAL_V4 = _table(
    {
        "a loopback address (the machine itself)": ("127.0.0.0/8",),
        "a private network address": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
        "a link-local address (where clouds keep their credentials)": ("169.254.0.0/16",),
        "a shared carrier address": ("100.64.0.0/10",),
        "an unspecified address": ("0.0.0.0/8",),
        "a multicast address": ("224.0.0.0/4",),
        "a broadcast address": ("255.255.255.255/32",),
        "a documentation address": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
        "an address for benchmarks": ("198.18.0.0/15",),
        "an address reserved for protocols": (
            "192.0.0.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.175.48.0/24",
        ),
        "a reserved address": ("240.0.0.0/4",),
    }
)

# RFC 6890 and the IANA IPv6 special-purpose address registry; fec0::/10 is gone but some stacks still route it.
_SPECIAL_V6 = _table(
    {
        "a loopback address (the machine itself)": ("::1/128",),
        "an unspecified address": ("::/128",),
        "an IPv4 address inside an IPv6 one": ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96"),
        "a NAT64 address": ("64:ff9b::/96", "64:ff9b:1::/48"),
        "a 6to4 address": ("2002::/16",),
        "a Teredo address": ("2001::/32",),
        "a private network address": ("fc00::/7", "fec0::/10"),
        "a link-local address": ("fe80::/10",),
        "a multicast address": ("ff00::/8",),
        "a documentation address": ("2001:db8::/32", "3fff::/20"),
        "a discard address": ("100::/64", "100:0:0:1::/64"),
        "an address reserved for protocols": ("2001::/23", "2620:4f:8000::/48", "5f00::/16"),
    }
)
