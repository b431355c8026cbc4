"""Posts to the address of a workflow, over the one door to the network; the address is its own secret."""

import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

from wedsync.kit.http import Failure, Reply, Wire

_PATH: Final = re.compile(r"/workflows/([A-Za-z0-9-]{8,64})/triggers/[A-Za-z0-9_-]+/paths/invoke/?$")


class AddressError(ValueError):
    """It is not the address of a workflow, in words for whoever typed it."""


def workflow_of(address: str, hosts: str) -> str:
    """The id of the workflow. `hosts`: below which names, by comma. Raises AddressError."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    if host.endswith("webhook.office.com"):
        raise AddressError("Addresses of this old kind no longer work at Microsoft. Make a workflow in the channel.")
    known = [one.strip().lower() for one in hosts.split(",") if one.strip()]
    if not any(host == one or host.endswith(f".{one}") for one in known):
        raise AddressError("This is not an address of Microsoft's workflows.")
    found = _PATH.search(parts.path)
    if found is None or not parse_qs(parts.query).get("sig"):
        raise AddressError("The address is not whole. Copy all of it, to its end.")
    return found[1].lower()


async def send(wire: Wire, address: str, body: bytes, *, timeout_s: float) -> Reply | Failure:
    """It was typed by a tenant, so it is judged like any other."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    return await wire.request("POST", address, headers=headers, body=body, timeout_s=timeout_s)
