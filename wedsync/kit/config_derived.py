"""Settings that follow from others where nobody gave them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wedsync.kit.config import Settings


def derived(settings: "Settings") -> dict[str, str]:
    """Addresses that follow from the ports, as this machine reaches them."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104 -- read, not bound
    secure = "s" if settings.has_tls else ""
    return {
        "public_url": f"http{secure}://{host}:{settings.port}",
        "gateway_url": f"ws{secure}://{host}:{settings.gateway_port}",
        "sandbox_url": f"http://{host}:{settings.sandbox_port}",
        "smtp_url": f"smtp://{host}:{settings.sandbox_smtp_port}",
    }
