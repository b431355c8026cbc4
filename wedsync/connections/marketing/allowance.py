"""What a provider lets one application ask in a day, shared by all of its accounts; pure. Days end at midnight UTC."""

from datetime import UTC, datetime, time, timedelta


def share(per_day: int, accounts: int, asked: int) -> int:
    """What is left for one of so many accounts; a tenth of all is kept for who connects."""
    return max(per_day * 9 // 10 // max(accounts, 1) - asked, 0)


def until_midnight_s(now: datetime) -> float:
    """Seconds until a new allowance begins."""
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return (midnight - now).total_seconds()
