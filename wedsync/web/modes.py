"""ASGI middleware: every page knows which modes are in force, whoever makes it."""

from litestar.types import ASGIApp, Receive, Scope, Send

from wedsync.kit.modes import SHOWN, Modes


class Shown:
    """Sets what `_modes.html` shows during one request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        modes: Modes = scope["litestar_app"].state.modes
        SHOWN.set(modes.now)
        await self.app(scope, receive, send)
