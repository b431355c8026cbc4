"""Who the embedded engines run as, and folders and programs that this account can reach.

PostgreSQL refuses to run as root, rightly. Root therefore gives both engines to a system account of their own. Folders
above ours are never changed: what the account cannot reach is put where it can, and the caller says so plainly.
"""

import hashlib
import os
import pwd
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from wedsync.processes.children import Account, run
from wedsync.processes.failures import EngineFailed

ACCOUNT_NAME: Final = "wedsync"
FALLBACK_NAME: Final = "nobody"
PLAIN_ENVIRON: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
SHARED_PLACES: Final = (Path("/var/lib/wedsync"), Path("/var/tmp/wedsync"))  # noqa: S108 -- made 0755 by root only


def engine_account() -> Account | None:
    """The account for engines, made where it is missing; None where we are not root and simply run as ourselves."""
    if os.geteuid() != 0:
        return None
    found = _find(ACCOUNT_NAME)
    if found is None and shutil.which("useradd"):
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        run([*command, "--shell", "/usr/sbin/nologin", ACCOUNT_NAME], environ=PLAIN_ENVIRON, folder=Path("/"))
        found = _find(ACCOUNT_NAME)
    found = found or _find(FALLBACK_NAME)
    if found is None:
        raise EngineFailed(
            f"PostgreSQL does not run as root, and there is no account {ACCOUNT_NAME!r} and none could be made. "
            f"Make one (`useradd --system {ACCOUNT_NAME}`), or start WedSync as an ordinary user."
        )
    return found


def reachable_folder(wanted: Path, account: Account | None) -> Path:
    """A folder of the account's own, mode 0700: `wanted`, or one below /var where it cannot get to `wanted`."""
    if account is None:
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
        return wanted
    parent = wanted.parent
    parent.mkdir(parents=True, exist_ok=True, mode=0o711)
    chosen = wanted if can_enter(parent, account) else _shared_place(account) / _mark(wanted)
    chosen.mkdir(exist_ok=True, mode=0o700)
    own(chosen, account)
    return chosen


def reachable_programs(root: Path, trees: Sequence[str], program: str, *, mark: str, account: Account | None) -> Path:
    """`root`, below which `program` is installed, or a copy of its `trees` where the account cannot get to it."""
    if account is None or can_execute(root / program, account):
        return root
    copy = _shared_place(account) / mark
    if not can_execute(copy / program, account):
        draft = copy.with_name(f"{mark}.{os.getpid()}")
        for tree in trees:
            shutil.copytree(root / tree, draft / tree, symlinks=True)
        shutil.rmtree(copy, ignore_errors=True)
        draft.replace(copy)
    return copy


def installed(package: str) -> Path:
    """The folder of an installed package, found without running its code."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EngineFailed(f"The package {package} is not installed. Run `make setup`, or set the engines' addresses.")
    return Path(spec.submodule_search_locations[0])


def own(folder: Path, account: Account | None) -> None:
    """Give a tree to the account, where it is not already its own (a data folder moved from another machine)."""
    if account is None or folder.stat().st_uid == account.uid:
        return
    for place, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            os.chown(Path(place, name), account.uid, account.gid, follow_symlinks=False)


def can_enter(folder: Path, account: Account) -> bool:
    return _may("-x", folder, account)


def can_execute(program: Path, account: Account) -> bool:
    return _may("-x", program, account)


def _may(test: str, path: Path, account: Account) -> bool:
    """Ask the kernel as the account itself: modes, lists of control and mounts then all count."""
    return run(["test", test, path], environ=PLAIN_ENVIRON, folder=Path("/"), account=account).returncode == 0


def _shared_place(account: Account) -> Path:
    for place in SHARED_PLACES:
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o755)
        except OSError:
            continue
        if place.stat().st_uid == 0 and can_enter(place, account):
            return place
    raise EngineFailed(
        f"The account {account.name!r} can reach neither the data folder nor {SHARED_PLACES[0]}. "
        "Pass --data-dir with a folder that it may enter."
    )


def _mark(folder: Path) -> str:
    """A name that one data folder always gets and no other does."""
    return f"{folder.name}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
