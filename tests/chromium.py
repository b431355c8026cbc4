"""The browser of the tests: Debian's chromium, or the one that the variable CHROMIUM names."""

import os
import shutil
from typing import Any, Final

PATH: Final = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
LAUNCH: Final[dict[str, Any]] = {
    "executable_path": PATH,
    "args": [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-quic",
    ],
}
"""What playwright launches it with: alone with the test, asking nobody for updates."""


def launch(*arguments: str) -> dict[str, Any]:
    """The same, with arguments of one's own."""
    return LAUNCH | {"args": [*LAUNCH["args"], *arguments]}
