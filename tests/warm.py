"""`python -m tests.warm` has compiled what every worker of a run reads, before three of them do it for themselves.

pytest rewrites each file of tests, and the measuring each module of the package; both keep what they have made. Workers
that begin together on a fresh clone find nothing kept, and each would take apart the same files at the same time.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
AT_ONCE: Final = 2
FEW: Final = 40
"""So many files cost less than to look for them in processes of their own."""
LOOK: Final = ("-m", "pytest", "--collect-only", "-q", "-m", "not prove", "-p", "no:cacheprovider")


def unready() -> Iterator[Path]:
    """Files of tests that nobody has compiled since they were written."""
    for source in sorted([*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("wedsync/**/tests/test_*.py")]):
        kept = f"{source.stem}.{sys.implementation.cache_tag}-pytest-{pytest.__version__}.pyc"
        compiled = source.parent / "__pycache__" / kept
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            yield source


async def compiled(sources: list[Path]) -> None:
    """Collected, which compiles them and what they import; what is wrong with them is for the tests to say."""
    silent = asyncio.subprocess.DEVNULL
    asked = (*LOOK, *map(str, sources))
    process = await asyncio.create_subprocess_exec(sys.executable, *asked, cwd=ROOT, stdout=silent, stderr=silent)
    await process.wait()


async def main() -> None:
    """Two halves side by side."""
    sources = list(unready())
    if len(sources) > FEW:
        await asyncio.gather(*(compiled(sources[part::AT_ONCE]) for part in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(main())
