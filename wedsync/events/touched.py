"""Which scopes a statement reads, by the tables it names: what the access log says was looked at."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final

from wedsync.events.catalogue import EventType
from wedsync.events.scope import EVERYTHING, Scope

TABLES: Final = re.compile(r"\b(?:from|join|into|update)\s+(?:only\s+)?(?:public\.)?([a-z_]+)")
FUNCTIONS: Final = re.compile(r"\b(?:from|join)\s+(?:lateral\s+)?app\.([a-z_]+)")
STATEMENTS_MAX: Final = 4096
#: What functions that stand for tables read of a wedding, where it is more than the core; `heard`, `heard_event`,
#: `past_events` and `routed` say themselves what they told of which. One that is not here counts as all a link holds.
FUNCTION_SCOPES: Final[Mapping[str, Scope]] = {
    "people_of": Scope.CORE,
    "colleagues": Scope.CORE,
    "hosts_of": Scope.CORE,
    "in_flight": Scope.CORE,
    "kept_answer": Scope.CORE,
    "helpers_seen": Scope.CORE,
    "audience_of": Scope.CORE,
    "task_rung": Scope.CORE,
    "weddings_of_due_tasks": Scope.CORE,
    "task_day": Scope.CORE,
    "keepers": Scope.CORE,
    "people_on_call": Scope.SCHEDULE,
    "locales_of": Scope.CORE,
    "helped_at": Scope.CORE,
    "weddings_of_due_forms": Scope.CORE,
    "keep_health": Scope.CORE,
    "untold_alerts": Scope.CORE,
    "operators": Scope.CORE,
    "preflight_of": Scope.CORE,
    "waiting_migration": Scope.CORE,
    "migration_requests": Scope.CORE,
    "flaws": Scope.CORE,
    "integrity_standing": Scope.CORE,
    "hold_override": Scope.CORE,
    "chat_people": Scope.CORE,
    "chat_now": Scope.CORE,
    "chats_of": Scope.CORE,
    "add_marketing_consent": Scope.PRIVATE,
    "chat_of_button": Scope.CORE,
    "mail_health": Scope.CORE,
    "keep_mail_provider": Scope.CORE,
    "take_mail_events": Scope.CORE,
    "mail_figures": Scope.CORE,
    "phone_stands": Scope.CORE,
    "phone_asks": Scope.CORE,
    "phone_call": Scope.CORE,
    "reach_of": Scope.CORE,
    "mark_notices": Scope.CORE,
    "act_notices": Scope.CORE,
    "tell_people": Scope.CORE,
    "wordings_of": Scope.CORE,
    "add_wording": Scope.CORE,
    "wording_history": Scope.CORE,
    "owe_sample": Scope.CORE,
    "mail_refusals": Scope.CORE,
    "note_mail_consent": Scope.CORE,
    "inbox_state": Scope.CORE,
    "make_digests": Scope.CORE,
    "places": Scope.CORE,
    "platform_modes": Scope.CORE,
    "weddings_of_modes": Scope.CORE,
    "hold_opening": Scope.CORE,
    "openings": Scope.CORE,
    "phones_for": Scope.CORE,
    "has_text": Scope.CORE,
    "my_phone": Scope.CORE,
    "my_texts": Scope.CORE,
    "owe_step": Scope.SCHEDULE,
    "alert_heard": Scope.SCHEDULE,
    "alert_event": Scope.SCHEDULE,
    "alert_since": Scope.SCHEDULE,
    "ladder_now": Scope.CORE,
    "hush_alert": Scope.SCHEDULE,
    "my_alarms": Scope.SCHEDULE,
    "late_alerts": Scope.SCHEDULE,
    "poke_drills": Scope.SCHEDULE,
    "day_guard": Scope.CORE,
    "holds_inbound": Scope.CORE,
    "safe_mode": Scope.CORE,
    "next_poll": Scope.CORE,
    "hush": Scope.CORE,
    "my_name": Scope.CORE,
    "link_name": Scope.SCHEDULE,
    "couple_count": Scope.CORE,
    "poke_days": Scope.SCHEDULE,
    "owe_look": Scope.SCHEDULE,
    "owe_packs": Scope.SCHEDULE,
    "poke_weather": Scope.SCHEDULE,
    "look_as": Scope.CORE,
    "backups": Scope.CORE,
    "helper_session": Scope.CORE,
    "heard": Scope.CORE,
    "heard_event": Scope.CORE,
    "past_events": Scope.CORE,
    "routed": Scope.CORE,
    "owe_test": Scope.CORE,
    "suppliers_due": Scope.CORE,
    "weddings_of_late_photos": Scope.CORE,
    "weddings_of_due_payments": Scope.CORE,
    "forms_of_link": Scope.CORE,
    "forms_sent": Scope.CORE,
    "public_days": Scope.CORE,
    "availability": Scope.CORE,
    "linked_days": Scope.CORE,
    "linked_items": Scope.SCHEDULE,
    "begin_syncs": Scope.CORE,
    "end_syncs": Scope.CORE,
    "live_deliveries": Scope.CORE,
    "account": Scope.CORE,
    "hear_account": Scope.CORE,
    "judge_connections": Scope.CORE,
    "take_consent": Scope.CORE,
    "joined_clients": Scope.CORE,
    "suppressed": Scope.CORE,
    "invited_alike": Scope.CORE,
    "invitation_page": Scope.CORE,
    "invitation_addressee": Scope.CORE,
    "invitation_funnel": Scope.CORE,
    "journeys_for": Scope.CORE,
    "said_of_steps": Scope.CORE,
    "enrolments_of": Scope.CORE,
    "sender_of": Scope.CORE,
    "marketing_place": Scope.CORE,
    "ask_couple": Scope.CORE,
    "take_invitations": Scope.CORE,
    "arrive": Scope.CORE,
    "payment_route": Scope.CORE,
    "payout_account": Scope.CORE,
    "commission_accounts": Scope.CORE,
    "commission_open": Scope.CORE,
    "commission_fees": Scope.CORE,
    "enquire": Scope.CORE,
    "offered_spaces": Scope.CORE,
    "judge_use": Scope.CORE,
    "dormant_clients": Scope.CORE,
    "plans": Scope.CORE,
    "plan_report": Scope.CORE,
    "my_plan": Scope.CORE,
    "show_plan": Scope.CORE,
    "suppliers_near_limits": Scope.CORE,
    "sweep_checks": Scope.CORE,
    "sweep_index": Scope.CORE,
    "sweep_looks": Scope.CORE,
    "sweep_marks": Scope.CORE,
}


def scopes_of(types: Iterable[EventType]) -> Callable[[str], int]:
    """A table's scope is that of its events. The log holds all; a table without events is part of the core.

    Statements are constants of the program, so each is read once. What a link does not hold it does not see, whatever
    a statement names: whoever counts takes the link's mask to it.
    """
    scopes: dict[str, int] = {"events": int(EVERYTHING)}
    for one in types:
        scopes[one.table] = scopes.get(one.table, 0) | int(one.scope)

    @lru_cache(maxsize=STATEMENTS_MAX)
    def found(statement: str) -> int:
        read = int(Scope.CORE)
        for table in TABLES.findall(statement):
            read |= scopes.get(table, 0)
        for name in FUNCTIONS.findall(statement):
            read |= int(FUNCTION_SCOPES.get(name, EVERYTHING))
        return read

    return found
