"""The reference of what stands in for what, from the connectors' manifests."""

from typing import Final

from wedsync.connections import manifest as manifests
from wedsync.kit.config import load
from wedsync.operations.health.fallbacks import Fallback, table

HEAD: Final = """\
# What stands in for what

Generated from `wedsync/connectors/*/manifest.toml` and `wedsync/operations/health/fallbacks.py` by `make docs`, as if
every provider had been set up. `/ops/health` shows the same for one installation, with what stands in at that moment.
Each row is played by the tests named with it; a test demands that they exist.

| What | In this order | When |
|---|---|---|
"""


def page() -> str:
    """Markdown: the table, then the tests of each row."""
    rows = table(load({"WEDSYNC_ENV": "test"}), manifests.find())
    lines = [f"| {one.what} | {' → '.join(one.steps)} | {one.when} |" for one in rows]
    return HEAD + "\n".join(lines) + "\n\n## Played by\n\n" + "\n".join(_played(one) for one in rows) + "\n"


def _played(one: Fallback) -> str:
    return f"* {one.what}: {', '.join(f'`{test}`' for test in one.drills)}"
