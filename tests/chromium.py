"""The browser of the tests: Debian's chromium, or the one that the variable CHROMIUM names."""

import os
import shutil
from typing import Any, Final

PATH: Final = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
# What of the window nobody sees costs a second of CPU for each context: pages of its own for what its address suggests.
WINDOW: Final = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup")
# What playwright switches off (chromiumSwitches.ts): chromium obeys the last word of this kind alone.
PLAYWRIGHTS: Final = (
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
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
        f"--disable-features={','.join((*PLAYWRIGHTS, *WINDOW))}",
    ],
}
"""What playwright launches it with: alone with the test, asking nobody for updates."""


def launch(*arguments: str) -> dict[str, Any]:
    """The same, with arguments of one's own."""
    return LAUNCH | {"args": [*LAUNCH["args"], *arguments]}
