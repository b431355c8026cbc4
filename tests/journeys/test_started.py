"""What `wedsync up` has started for the stories, and tells of it; how it ends is judged in tests/product.py."""

import stat

import httpx
import psutil

from tests.product import Product, since

PARTS = ("web", "gateway", "worker", "clock", "sandbox")


async def test_everything_runs_is_told_and_shows_no_secret(product: Product) -> None:
    assert set(product.ready) == {"web", "gateway", "sandbox", "database_url", "valkey_url", "demo"}
    assert stat.S_IMODE((product.data_dir / "ready.json").stat().st_mode) == 0o600
    assert "WedSync is ready" in (product.data_dir / "up.log").read_text()
    async with httpx.AsyncClient(timeout=30) as http:
        assert (await http.get(f"{product.web}/healthz")).status_code == 200
    # Who delivers finds the providers there: no breaker opens at a start.
    logs = product.data_dir / "log"
    assert since(logs / "sandbox.log", "sandbox.started") < since(logs / "worker.log", "worker_ready")
    passwords = [product.ready[url].split(":")[2].split("@")[0] for url in ("database_url", "valkey_url")]
    for name in PARTS:
        part = product.part(name)
        assert part is not None, name
        for process in (part, *part.children(recursive=True)):
            shown = " ".join([*process.cmdline(), *process.environ().values()])
            assert not any(password in shown for password in passwords)
    named = [child.cmdline() for child in psutil.Process(product.process.pid).children()]
    assert {words[-1] for words in named if "wedsync.processes.start" in words} == set(PARTS)
