"""Starts one process by its name, and tells problems plainly; what the command line and the supervisor share.

`python -m wedsync.processes.start web` is how the supervisor starts a process: without the command line's own imports,
which would cost each of them a quarter of a second. It imports what it needs at once, while the engines still start,
and then reads its settings from standard input, so that no list of processes shows them.
"""

import gc
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec

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


def start(name: str, *, data_dir: Path | None = None) -> None:
    """Run a long-lived process by itself, on the engines that are set or that a running supervisor has."""
    _main(name, reach(settings_with(process=name, options={"data_dir": data_dir})))


def start_supervised(name: str) -> None:
    """Run one for the supervisor, with the settings that it sends and no others."""
    with staying():
        module(name)
    told = sys.stdin.buffer.read()
    if told:
        os.environ.update(msgspec.json.decode(told, type=dict[str, str]))
        _main(name, settings_with(process=name, options={}))


@contextmanager
def staying() -> Iterator[None]:
    """What is made meanwhile stays until the end: to search it for what may go is a sixth of what making it takes."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _main(name: str, settings: Settings) -> None:
    """A process's module has `main(settings)`, which returns when it was asked to stop."""
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


def ended(code: str | int | None) -> NoReturn:
    """End the process at once: threads of libraries that ask for Python while it ends would abort it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


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
    guarded(lambda: start_supervised(sys.argv[1]))
