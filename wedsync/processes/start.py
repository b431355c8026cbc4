"""Starts one process by its name, and tells problems plainly; what the command line and the supervisor share.

`python -m wedsync.processes.start web` is how the supervisor starts a process: without the command line's own imports,
which would cost each of them a quarter of a second.
"""

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from wedsync.kit import log
from wedsync.kit.config import PREFIX, Settings, SettingsInvalid, load
from wedsync.kit.errors import Refusal
from wedsync.processes.engines import reach
from wedsync.processes.failures import CannotRun

T = TypeVar("T")


def settings_with(*, process: str, options: Mapping[str, object]) -> Settings:
    """Settings of the environment with the options that were given laid over them; logging is set up from them."""
    given = {PREFIX + name.upper(): str(value) for name, value in options.items() if value is not None}
    settings = load({**os.environ, **given})
    log.configure(process=process, level=settings.log_level)
    return settings


def start(name: str, *, data_dir: Path | None = None, is_supervised: bool = False) -> None:
    """Run a long-lived process; its module has `main(settings)`, which returns when it was asked to stop.

    Alone it may use the engines of a running supervisor; a supervised one has been given all that it shall have.
    """
    settings = settings_with(process=name, options={"data_dir": data_dir})
    if not is_supervised:
        settings = reach(settings)
    # A process may start processes of its own (web does), which read the same variables.
    os.environ.update(settings.environ())
    module(name).main(settings)


def module(name: str) -> Any:
    """A module of `wedsync.processes`; CannotRun where this installation does not have it."""
    path = f"wedsync.processes.{name}"
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as missing:
        if missing.name != path:
            raise
        raise CannotRun(
            f"`{name}` is not part of this installation ({path} is missing). Install WedSync anew."
        ) from None


def guarded(work: Callable[[], T]) -> T:
    """Whatever is an answer to the user ends the program with its text; the rest is a bug and shows its traceback."""
    try:
        return work()
    except SettingsInvalid as invalid:
        fail(f"The settings need attention:\n{invalid}")
    except (CannotRun, Refusal) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)


def fail(text: str) -> NoReturn:
    sys.stderr.write(f"wedsync: {text}\n")
    sys.exit(1)


if __name__ == "__main__":
    guarded(lambda: start(sys.argv[1], is_supervised=True))
