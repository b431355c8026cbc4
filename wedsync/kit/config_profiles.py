"""What each profile is given of the database where nothing else was set."""

from collections.abc import Mapping
from typing import Final

import msgspec


class Profile(msgspec.Struct, frozen=True):
    """What a profile is given of the database."""

    connections: int
    recovery_days: int


PROFILES: Final[Mapping[str, Profile]] = {
    "production": Profile(connections=100, recovery_days=7),
    "staging": Profile(connections=20, recovery_days=3),
    "development": Profile(connections=10, recovery_days=0),
    # These play production on one machine.
    "test": Profile(connections=100, recovery_days=7),
    "drill": Profile(connections=100, recovery_days=7),
}
