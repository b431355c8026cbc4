"""The embedded engines, started in a folder that is thrown away; and how long that takes."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.decisions.measuring import Figures
from wedsync.kit import config
from wedsync.processes.engines import Engines


@contextmanager
def started(*, postgres: bool = True, valkey: bool = False) -> Iterator[tuple[str, str]]:
    """The addresses of a PostgreSQL (as its administrator) and a Valkey; an empty one for what was not asked for."""
    with tempfile.TemporaryDirectory(prefix="wedsync-bench-") as folder:
        Path(folder).chmod(0o711)
        settings = config.load({"WEDSYNC_DATA_DIR": folder})
        # An address that is already there is not started, so any text stands for "not wanted".
        unwanted = {} if postgres else {"database_url": "postgresql://unwanted"}
        unwanted |= {} if valkey else {"valkey_url": "valkey://unwanted"}
        engines = Engines(msgspec.structs.replace(settings, **unwanted))
        try:
            addresses = engines.start()
            admin = engines.postgres.url(database="postgres") if engines.postgres else ""
            yield admin, addresses.valkey_url if valkey else ""
        finally:
            engines.stop()


def measure() -> Figures:
    """Seconds from an empty folder to a server that answers, checksums and own passwords included."""
    began = time.perf_counter()
    with started(postgres=True):
        postgres_s = time.perf_counter() - began
    began = time.perf_counter()
    with started(postgres=False, valkey=True):
        valkey_s = time.perf_counter() - began
    return {"postgres_start_s": postgres_s, "valkey_start_s": valkey_s}
