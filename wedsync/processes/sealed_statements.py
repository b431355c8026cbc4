"""The statements that read and write sealed columns, of whichever table: the names in them come from `sealed_places`.

Pages of a table are read by ctid, those of all its partitions at once; a row is written where it was read, under the
same lock.
"""

from typing import Final

from wedsync.processes.sealed_places import COLUMNS, IMAGES, OLD_SECRETS, Place

_SPAN: Final = "t.ctid >= $1::tid and t.ctid < $2::tid"
_ONE: Final = "where t.tableoid = $1 and t.ctid = $2::tid"

BLOCKS: Final = """
select coalesce(max(pg_relation_size(c.oid) / current_setting('block_size')::bigint), 0)::bigint + 1
from pg_class c
where c.relkind = 'r'
  and (c.oid = $1::text::regclass
    or c.oid in (select i.inhrelid from pg_inherits i where i.inhparent = $1::text::regclass))
"""
CONTACT: Final = f"update public.guest_contacts t set sealed = $3, email_index = $4 {_ONE}"
CLIENT: Final = f"update public.clients t set sealed = $3, email_index = $4, partner_email_index = $5 {_ONE}"
COUPLE: Final = f"update public.invitations t set sealed = $3, couple_index = $4 {_ONE}"
SUPPRESSION: Final = f"update public.mail_suppressions t set sealed = $3, address_index = $4 {_ONE}"
CONSENT: Final = f"update public.mail_consents t set sealed = $3, address_index = $4 {_ONE}"
PHONE: Final = f"update public.phones t set sealed = $3, number_index = $4 {_ONE}"
STOP: Final = f"update public.phone_stops t set sealed = $3, number_index = $4 {_ONE}"
CONNECTOR: Final = "select c.connector from public.connections c where c.tenant_id = $1 and c.id = $2"
ACCOUNT_KEY: Final = "update public.connections c set account_key = $3 where c.tenant_id = $1 and c.id = $2"
OLDS: Final = f"update public.endpoints t set old_secrets = $3 {_ONE}"
SELECT_OLDS: Final = f"""
select t.tableoid as rel, t.ctid as at, t.tenant_id as tenant, t.id as row, t.old_secrets as sealed
from public.endpoints t
where {_SPAN} and exists (
  select from jsonb_array_elements(t.old_secrets) o where substr(o ->> 'sealed', 3, 16) <> encode($3::bytea, 'hex'))
for update
"""


def select(place: Place) -> str:
    """What another key has sealed, in a span of pages."""
    return f"""
select t.tableoid as rel, t.ctid as at, t.{place.tenant} as tenant, t.{place.row} as row, t.{place.column} as sealed
from public.{place.table} t
where {_SPAN} and t.{place.column} is not null and substring(t.{place.column} from 2 for 8) <> $3
for update
"""


def update(place: Place) -> str:
    """One value."""
    return f"update public.{place.table} t set {place.column} = $3 {_ONE}"


def select_images(place: Place) -> str:
    """The same of images in events; the key's id stands behind `\\x01`, in hexadecimal."""
    return f"""
select t.tableoid as rel, t.ctid as at, t.stream_id as tenant, t.subject_table as subject, t.{place.column} as sealed
from public.events t
where {_SPAN} and t.{place.column} ? 'sealed'
  and substr(t.{place.column} ->> 'sealed', 5, 16) <> encode($3::bytea, 'hex')
for update
"""


def update_image(place: Place) -> str:
    """One image."""
    column = place.column
    return f"update public.events t set {column} = jsonb_set(t.{column}, '{{sealed}}', to_jsonb($3::text)) {_ONE}"


def _count(place: Place) -> str:
    return f"""
select substring(t.{place.column} from 2 for 8) as key, count(*) as n
from public.{place.table} t
where t.{place.column} is not null
group by 1
"""


def _count_images(place: Place) -> str:
    return f"""
select decode(substr(t.{place.column} ->> 'sealed', 5, 16), 'hex') as key, count(*) as n
from public.events t
where t.{place.column} ? 'sealed'
group by 1
"""


COUNTS: Final[dict[Place, str]] = {
    **{place: _count(place) for place in COLUMNS},
    **{place: _count_images(place) for place in IMAGES},
    OLD_SECRETS: """
select decode(substr(o ->> 'sealed', 3, 16), 'hex') as key, count(*) as n
from public.endpoints t, jsonb_array_elements(t.old_secrets) o
group by 1
""",
}
"""How many values each key has sealed."""
