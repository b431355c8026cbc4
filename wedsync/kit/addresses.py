"""Whose address a request came from: behind our own proxies what they say, and never what a stranger says."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOPS_MAX = 20


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Raises ValueError."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def client_of(peer: str, forwarded: str | None, trusted: Sequence[Network]) -> str:
    """The address that counts as the client's.

    `forwarded` is X-Forwarded-For, to which each proxy adds, on the right, who it was asked by. So it is read from the
    right, as long as whoever said the next entry is a proxy of ours; what stands further left anybody may have written.
    """
    if not trusted or not forwarded or not is_in(peer, trusted):
        return peer
    found = peer
    for hop in reversed(forwarded.split(",")[-HOPS_MAX:]):
        address = _plain(hop)
        if address is None:
            break
        found = address
        if not is_in(address, trusted):
            break
    return found


def _plain(hop: str) -> str | None:
    """`[::1]:443`, `10.0.0.1:80` and plain addresses; None for anything else, which some proxies write as `unknown`."""
    text = hop.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def is_in(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is in one of the networks; text that is none is in none."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in trusted)


@lru_cache(maxsize=4096)
def block_of(address: str) -> str:
    """What limits count as one caller: an IPv4 address, or the /64 of IPv6, which one customer has for the asking."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> 64 << 64, 64)))
