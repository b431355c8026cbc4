"""Makes the folder of a new connector out of the skeleton: `make connector name=acme`.

The skeleton is a whole connector for a provider that does not exist. It passes the suite as it is; from there on, what
Acme says is replaced by what the provider says: payloads, fake, client, mapper, connector, manifest, README.
"""

import argparse
import keyword
import re
import sys
from pathlib import Path

SKELETON = Path(__file__).parent / "skeleton"
ENDING = ".skeleton"
CONNECTORS = Path(__file__).parents[2] / "wedsync" / "connectors"


def make(name: str, into: Path = CONNECTORS) -> Path:
    """The new folder. Raises ValueError for a name that cannot be one or that is there already."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,29}", name) or keyword.iskeyword(name):
        raise ValueError(f"{name!r} cannot be a connector's name: use small letters, digits and _, such as acme.")
    folder = into / name
    if folder.exists():
        raise ValueError(f"There is a connector {name!r} already.")
    title = name.replace("_", " ").title()
    for source in sorted(path for path in SKELETON.rglob(f"*{ENDING}")):
        place = source.relative_to(SKELETON)
        target = folder / str(place).removesuffix(ENDING).replace("acme", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text("utf-8").replace("Acme", title).replace("acme", name)
        target.write_text(text, "utf-8")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the folder of a new connector.")
    parser.add_argument("name")
    try:
        print(make(parser.parse_args().name))
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
