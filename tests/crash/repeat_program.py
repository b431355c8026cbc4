"""The web application as a program that may be killed: it asks itself once to add a task, and says how it went."""

import asyncio
import os
import sys

import httpx

from tests.served import served
from wedsync.kit import config


async def run(path: str, token: str, key: str, title: str) -> None:
    """Print the status and whether it was a repeat's."""
    async with served(config.load(os.environ)) as app:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=60) as http:
            headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
            answer = await http.post(path, json={"title": title}, headers=headers)
    print(answer.status_code, answer.headers.get("idempotent-replayed", "false"), end="")


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:5]))
