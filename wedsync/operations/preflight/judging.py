"""How each answer of the preflight is judged: pure, from counts of the database and what this machine sees."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from wedsync.operations.freeze.model import Verdict
from wedsync.operations.preflight.model import Check, Facts, Machine, Report, Status, weekend_of

CERTIFICATE_DAYS: Final = 7
BACKUP_MAX: Final = timedelta(hours=26)
DRILL_MAX: Final = timedelta(days=35)
ARCHIVE_MAX: Final = timedelta(minutes=15)
LAG_S: Final = 10.0
WAIT_S: Final = 60.0
USED_MAX: Final = 0.7
FULLER: Final = 1.5
FEW: Final = 10
EXAMINED_MAX: Final = timedelta(hours=50)
NEEDED: Final = ("web", "worker", "gateway")

Found = tuple[Status, str, str]


def judge(facts: Facts, machine: Machine, freeze: Verdict) -> Report:
    """Every check, in the order of the page."""
    checks = [
        Check(name=name, title=title, status=status, says=says, do=do if status != "good" else "")
        for name, (title, ask) in CHECKS.items()
        for status, says, do in (ask(facts, machine, freeze),)
    ]
    return Report(
        weekend=weekend_of(facts.now.date()),
        at=facts.now,
        weddings=facts.weddings,
        is_ready=all(one.status != "bad" for one in checks),
        checks=checks,
    )


def _credentials(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    lost = [one for one in facts.accounts if one.broken or one.ended]
    if not lost:
        return "good", f"{sum(one.accounts for one in facts.accounts)} accounts are connected.", ""
    told = ", ".join(f"{one.broken + one.ended} of {one.accounts} at {one.connector}" for one in lost)
    do = "Their owners were told; call those of the weekend's weddings. Until then mail and the app stand in."
    return "bad", f"Must be connected again: {told}.", do


def _connections(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    ill = [one for one in facts.accounts if one.degraded or one.silent]
    down = [one.name for one in facts.mail if one.is_down]
    if facts.mail and len(down) == len(facts.mail):
        return "bad", "Nobody takes mail.", "docs/runbooks/provider-down.md: set up another provider before Saturday."
    if not ill and not down and not facts.endpoints and not facts.breakers:
        return "good", "Every provider answered lately.", ""
    told = [f"{one.degraded} degraded and {one.silent} silent at {one.connector}" for one in ill]
    told += [f"mail by {name} is down" for name in down]
    told += [f"{facts.breakers} breakers are open"] if facts.breakers else []
    told += [f"{facts.endpoints} webhook endpoints were switched off"] if facts.endpoints else []
    return "look", f"{_sentence(told)}.", "Look at /ops/health; docs/runbooks/provider-down.md for each of them."


def _backups(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    if not machine.is_bundled:
        return _archived(facts)
    if machine.backup_at is None:
        return _played(machine, "There is no backup.", "Run `wedsync backup` now, and let cron do it each night.")
    if machine.backup_flaw:
        return "bad", f"The newest backup cannot be used: {machine.backup_flaw}", "Run `wedsync backup` now."
    age = facts.machine_now - machine.backup_at
    if age > BACKUP_MAX:
        return _played(
            machine, f"The newest backup is {_long(age)} old.", "Run `wedsync backup` now, and see why cron did not."
        )
    if not machine.has_archive:
        do = "Set WEDSYNC_WAL_ARCHIVE_DIR: without it a restore brings back the moment of the backup and no later one."
        return "look", f"The newest backup is {_long(age)} old and verified; the log is not archived.", do
    return "good", f"The newest backup is {_long(age)} old and verified, and the log is archived.", ""


def _archived(facts: Facts) -> Found:
    server = facts.server
    if not server.archives:
        do = "Ask whoever runs it for the time of the newest backup and for point-in-time recovery."
        return "look", "This database is run by you, and its backups cannot be seen from here.", do
    late = server.archived_at is None or facts.machine_now - server.archived_at > ARCHIVE_MAX
    if late:
        return "bad", f"Its log is not archived ({server.archive_failures} failures).", "Look at archive_command."
    return "good", "This database is run by you; its log was archived within 15 minutes.", ""


def _played(machine: Machine, says: str, do: str) -> Found:
    """Where no real wedding is, nothing is lost."""
    return ("bad" if machine.env in ("production", "staging") else "look"), says, do


def _restorable(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    do = "Run `wedsync restore --drill`: it plays it on a copy, and touches nothing."
    if machine.drilled_at is None:
        return "look", "That a backup can be brought back was not tried on this machine.", do
    if machine.drill_flaws:
        return "bad", f"The last restore drill found {machine.drill_flaws} flaws.", "docs/runbooks/restore.md"
    age = facts.machine_now - machine.drilled_at
    if age > DRILL_MAX:
        return "look", f"The last restore drill was {_long(age)} ago.", do
    return "good", f"A restore was drilled {_long(age)} ago.", ""


def _capacity(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    share = facts.used / max(1, facts.max)
    says = f"{facts.used} of {facts.max} connections are taken; the fullest day has {facts.fullest} weddings."
    if machine.disk_free is not None and machine.disk_free < 0.05:
        return (
            "bad",
            f"{machine.disk_free:.0%} of the disk is free.",
            "Make room now, before PostgreSQL stops.",
        )
    if share > USED_MAX:
        return "bad", says, "Lower WEDSYNC_DATABASE_CONNECTIONS, or raise max_connections: docs/runbooks/season.md."
    if facts.fullest >= FEW and facts.fullest > FULLER * facts.fullest_so_far:
        do = "Load a staging database with as many (`wedsync drill saturday`): docs/runbooks/season.md."
        return "look", f"{says} The fullest so far had {facts.fullest_so_far}.", do
    if machine.disk_free is not None and machine.disk_free < 0.3:
        return "look", f"{says} {machine.disk_free:.0%} of the disk is free.", "Make room before Saturday."
    return "good", says, ""


def _certificates(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    if not machine.has_certificate:
        do = "Look at the certificate of the proxy in front: it must hold until Monday."
        status: Status = "good" if machine.env not in ("production", "staging") else "look"
        return status, "TLS ends in front of this machine, so the certificate's end is not seen from here.", do
    if machine.certificate_ends_at is None:
        return "bad", "The certificate of WEDSYNC_TLS_CERT cannot be read.", "Put a certificate in PEM there."
    left = machine.certificate_ends_at - facts.machine_now
    says = f"The certificate holds until {machine.certificate_ends_at:%d %B %H:%M} UTC."
    if left < timedelta(days=CERTIFICATE_DAYS):
        return "bad", says, "Renew it today, and start web and gateway anew."
    return "good", says, ""


def _backlog(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    says = f"{facts.owed} of their messages wait, the oldest job {facts.oldest_s:.0f} s; {facts.parked} are parked."
    if facts.oldest_s > WAIT_S:
        return "bad", says, "Start more workers, and look at /ops/health for what they wait for."
    if facts.parked or facts.given_up:
        do = "Their owners release what is parked; `wedsync replay --since` sends again what was given up on."
        return "look", f"{says} {facts.given_up} were given up on in a week.", do
    return "good", says, ""


def _freeze(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    waits = [*machine.pending, *(["a request to the clock"] if facts.migration_waits else [])]
    if freeze.override is not None:
        return (
            "bad",
            f"It is overridden until {freeze.override.expires_at:%H:%M} UTC.",
            "End it on /ops/freeze.",
        )
    if waits and freeze.is_frozen:
        do = "It waits until Monday, or two operators override: docs/runbooks/freeze-override.md."
        return "look", f"Frozen, and not migrated yet: {', '.join(waits)}.", do
    if waits:
        return "look", f"Not migrated yet: {', '.join(waits)}.", "Migrate before the freeze begins, or leave it."
    if machine.env == "production" and not facts.server.refuses_ddl:
        do = "`wedsync doctor` says the statement for the superuser; until then nobody holds the owner's password."
        return "look", "In a freeze the database does not refuse DDL by itself.", do
    return "good", freeze.reason or "Nothing is frozen, and nothing waits to be migrated.", ""


def _standby(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    if not facts.standbys:
        if machine.env != "production":
            return "good", "There is no standby, and in this profile none is needed.", ""
        do = "Set one up, or know the time that a restore takes: docs/runbooks/restore.md."
        return "look", "There is no standby: a lost server is brought back from the backup.", do
    late = [f"{one.name} by {one.lag_s:.0f} s" for one in facts.standbys if one.lag_s > LAG_S]
    if late:
        return "bad", f"Behind: {', '.join(late)}.", "Look at its log and its network; it could not take over."
    return "good", f"{', '.join(one.name for one in facts.standbys)} follows.", ""


def _matters(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    if facts.emergencies:
        do = "docs/runbooks/wedding-day-emergency.md"
        return "bad", f"{facts.emergencies} emergencies of these weddings are not taken up.", do
    told = []
    if facts.alerts:
        told.append(f"{facts.alerts} alerts of the platform that nobody took up")
    if facts.unacknowledged:
        told.append(f"{facts.unacknowledged} changes that suppliers have not confirmed")
    if facts.proposals:
        told.append(f"{facts.proposals} proposals that nobody decided")
    if not told:
        return "good", "Everything was confirmed.", ""
    do = "Take the alerts up on /ops/alerts. Couples see on their own page who has not confirmed; nudge from there."
    return "look", f"Open: {_sentence(told)}.", do


def _processes(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    missing = [one for one in NEEDED if one not in facts.processes]
    if not facts.clock_leads:
        missing.append("clock")
    if missing:
        return "bad", f"Not alive: {', '.join(missing)}.", "Start them (`wedsync up`, or each by its name)."
    return "good", "Web, worker, gateway and clock are alive.", ""


def _database(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    if facts.defects:
        return (
            "bad",
            f"{_sentence(facts.defects[:3])}",
            "/ops/database; docs/runbooks/slow-database.md.",
        )
    return "good", "The database has no defect that must be mended now.", ""


def _integrity(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    if facts.flaws:
        return "bad", f"Examining the data found {facts.flaws} flaws.", "`wedsync doctor --deep` says what to do."
    if facts.examined_at is None or facts.machine_now - facts.examined_at > EXAMINED_MAX:
        return "look", "The data was not examined for two nights.", "Run `wedsync doctor --deep`."
    return "good", "The data was examined and is whole.", ""


def _people(facts: Facts, machine: Machine, freeze: Verdict) -> Found:
    if facts.operators < 2:
        do = "`wedsync operator add`: an override of the freeze takes two, and an alert needs somebody awake."
        return "look", f"{_number(facts.operators)} told of alerts.", do
    return "good", f"{facts.operators} operators are told of alerts.", ""


Ask = Callable[[Facts, Machine, Verdict], Found]
CHECKS: Final[Mapping[str, tuple[str, Ask]]] = {
    "credentials": ("Providers' credentials", _credentials),
    "connections": ("Connections", _connections),
    "processes": ("Processes", _processes),
    "backlog": ("Queues", _backlog),
    "database": ("Database", _database),
    "capacity": ("Capacity", _capacity),
    "backups": ("Backups", _backups),
    "restorable": ("Restore", _restorable),
    "standby": ("Standby", _standby),
    "integrity": ("Integrity of the data", _integrity),
    "certificates": ("Certificates", _certificates),
    "freeze": ("Freeze", _freeze),
    "matters": ("Open matters", _matters),
    "operators": ("Operators", _people),
}


def _sentence(parts: Sequence[str]) -> str:
    return "; ".join(parts)


def _number(operators: int) -> str:
    return "Nobody is" if operators == 0 else "One operator alone is"


def _long(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
