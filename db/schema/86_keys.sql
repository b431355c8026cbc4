-- Rotating keys: who may read and write what is sealed, in every table that holds it (wedsync.processes.sealed_places). `wedsync rotate-keys` comes as
-- wedsync_owner and works as wedsync_recorder, whose policies let it see all tenants; no door has this right.
set role wedsync_owner;
grant update (sealed, email_index) on public.guest_contacts to wedsync_recorder;
grant update (sealed) on public.guest_needs, public.notes, public.dietary_sheets, public.day_packs, public.booking_details, public.connections to wedsync_recorder;
grant update (sealed, email_index, partner_email_index) on public.clients to wedsync_recorder;
grant update (sealed) on public.enquiries, public.form_requests, public.form_drafts to wedsync_recorder;
grant update (account_key) on public.connections to wedsync_recorder;
grant update (account_sealed, credentials_sealed) on public.connection_accounts to wedsync_recorder;
reset role;
