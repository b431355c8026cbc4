"""pyreqwest against httpx: client CPU of one POST over a connection that stays open, every thread counted."""

import httpx
from pyreqwest.client import ClientBuilder

from bench.decisions.measuring import Figures, cpu_us_of, peer, run

BODY = b'{"type":"rsvp.replied","data":"' + b"x" * 560 + b'"}'
HEADERS = {"content-type": "application/json", "webhook-id": "0192f3d4-0000-7000-8000-000000000000"}


async def _measure(url: str) -> Figures:
    async with ClientBuilder().build() as client:

        async def by_pyreqwest() -> None:
            response = await client.post(url).headers(HEADERS).body_bytes(BODY).build().send()
            assert response.status == 204

        figures = {"pyreqwest_us": await cpu_us_of(by_pyreqwest, times=800)}
    async with httpx.AsyncClient() as other:

        async def by_httpx() -> None:
            response = await other.post(url, content=BODY, headers=HEADERS)
            assert response.status_code == 204

        figures["httpx_us"] = await cpu_us_of(by_httpx, times=150)
    return figures


def measure() -> Figures:
    with peer("http") as (_, port):
        return run(_measure(f"http://127.0.0.1:{port}/hook"))
