-- Accounts at providers: their credentials, how they are, what was said between us, and the consents that are under way.
-- Who writes more than one of these takes them in this order: connection_accounts, connection_health, connections, streams.
set role wedsync_owner;

create table public.connection_accounts (
  connection_id uuid primary key,
  tenant_id uuid not null,
  account_sealed bytea,
  credentials_sealed bytea,
  expires_at timestamptz,
  refreshed_at timestamptz,
  tried_at timestamptz,
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.connection_accounts is 'Which account it is (sealed JSON of its id and title there) and the credentials we hold of it (sealed JSON); these are wiped when it is disconnected, all of it when it is removed';
comment on column public.connection_accounts.tried_at is 'Then the next token was asked for in vain: whoever waited meanwhile does not ask once more';
comment on column public.connection_accounts.expires_at is 'Of the access token; null = it does not end by itself';
create index connection_accounts_tenant on public.connection_accounts (tenant_id, connection_id);
call app.protect('public.connection_accounts', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, $$((select app.write_mask()) & 512) <> 0$$, false);

create table public.connection_health (
  connection_id uuid primary key,
  tenant_id uuid not null,
  failures integer not null default 0,
  ok_at timestamptz,
  failed_at timestamptz,
  what text not null default '' check (length(what) <= 80),
  reason text not null default '' check (length(reason) <= 500),
  window_at timestamptz not null default clock_timestamp(),
  window_ok integer not null default 0,
  window_failed integer not null default 0,
  before_ok integer not null default 0,
  before_failed integer not null default 0,
  checked_at timestamptz not null default '-infinity',
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade
) with (fillfactor = 50);
comment on table public.connection_health is 'How an account does by its own traffic: failures in a row, and what five minutes and the five before brought; machine time';
create index connection_health_tenant on public.connection_health (tenant_id, connection_id);
call app.protect('public.connection_health', 'tenant_id',
  $$((select app.mask()) & 512) <> 0 or (select app.role()) = 'member'$$, $$((select app.write_mask()) & 512) <> 0$$, false);
grant insert, update on public.connection_health to wedsync_recorder;

create table public.connection_log (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  connection_id uuid not null,
  what text not null check (length(what) <= 80),
  word text not null check (length(word) <= 40),
  reason text not null default '' check (length(reason) <= 500),
  times integer not null default 1,
  began_at timestamptz not null default clock_timestamp(),
  at timestamptz not null default clock_timestamp(),
  actor_id uuid,
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.connection_log is 'What was said between us and the provider, and what people did: the same thing again counts in one row; the newest 200 of each connection';
create index connection_log_tenant on public.connection_log (tenant_id, connection_id);
create index connection_log_connection on public.connection_log (connection_id, id desc);
create index connection_log_what on public.connection_log (connection_id, what, id desc);
call app.protect('public.connection_log', 'tenant_id', $$((select app.mask()) & 512) <> 0$$, null);
grant insert, update, delete on public.connection_log to wedsync_recorder;

create table public.connection_consents (
  id uuid primary key,
  tenant_id uuid not null,
  connection_id uuid not null,
  person_id uuid not null,
  session_id uuid not null,
  state_hash bytea not null unique check (length(state_hash) = 32),
  verifier_sealed bytea not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  foreign key (tenant_id, connection_id) references public.connections (tenant_id, id) on delete cascade
);
comment on table public.connection_consents is 'Somebody was sent to a provider to say yes: the state we gave with them (hashed), whose session it was, and the sealed PKCE verifier; ten minutes, used once';
create index connection_consents_expires on public.connection_consents (expires_at);
create index connection_consents_tenant on public.connection_consents (tenant_id, connection_id);
call app.protect('public.connection_consents', 'tenant_id', 'false', $$((select app.write_mask()) & 512) <> 0$$, false);
revoke select, update on public.connection_consents from wedsync_user;
grant update, delete on public.connection_consents to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- An account for our own traffic with its provider: enters its tenant as the system, whoever asks; nothing but an account of that tenant opens it.
create function app.enter_account(p_connection uuid, p_tenant uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform from public.connections c where c.id = p_connection and c.tenant_id = p_tenant and c.state is not null and c.deleted_at is null;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  perform app.settle(null, 'system', p_tenant, 'system', 2047, 2047);
end $$;

-- The account as it is now, for one exchange with its provider.
create function app.account(p_connection uuid, p_tenant uuid)
returns table (connector text, settings jsonb, state text, state_reason text, hooks_sealed bytea, credentials_sealed bytea, expires_at timestamptz,
  refreshed_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select c.connector, c.settings, c.state, c.state_reason, c.sealed, a.credentials_sealed, a.expires_at, a.refreshed_at
  from public.connections c join public.connection_accounts a on a.connection_id = c.id
  where c.id = p_connection and c.tenant_id = p_tenant and c.state is not null and c.deleted_at is null;
$$;

-- Used once, by the session that began it, in time; null is every other case, which nobody is told apart.
create function app.take_consent(p_state_hash bytea, p_person uuid, p_session uuid)
returns table (id uuid, tenant_id uuid, connection_id uuid, verifier_sealed bytea)
language sql volatile security definer set search_path = '' as $$
  update public.connection_consents c set used_at = clock_timestamp()
  where c.state_hash = p_state_hash and c.person_id = p_person and c.session_id = p_session and c.used_at is null and c.expires_at > clock_timestamp()
  returning c.id, c.tenant_id, c.connection_id, c.verifier_sealed;
$$;

-- Something was said or done. The same as the last time counts in its row, so that what goes well for weeks is one.
create function app.note_connection(p_connection uuid, p_what text, p_word text, p_reason text) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_tenant uuid := app.tenant();
begin
  if app.write_mask() & 512 = 0 then raise exception 'forbidden' using errcode = 'WS403'; end if;
  perform from public.connections c where c.id = p_connection and c.tenant_id = v_tenant;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  update public.connection_log l set times = l.times + 1, at = clock_timestamp()
    where l.id = (select n.id from public.connection_log n where n.connection_id = p_connection and n.what = p_what
        order by n.id desc limit 1) and l.word = p_word and l.reason = p_reason and l.actor_id is not distinct from app.actor();
  if found then return; end if;
  insert into public.connection_log (tenant_id, connection_id, what, word, reason, actor_id)
    values (v_tenant, p_connection, p_what, p_word, p_reason, app.actor());
  delete from public.connection_log l
    where l.connection_id = p_connection
      and l.id <= (select n.id from public.connection_log n where n.connection_id = p_connection order by n.id desc offset 200 limit 1);
end $$;

-- What a window of five minutes has become at this moment: 0 as it was, 1 the one before, 2 long ago.
create function app.windows_over(p_window_at timestamptz, p_now timestamptz) returns integer
language sql immutable set search_path = ''
  return case when p_window_at > p_now - interval '5 minutes' then 0 when p_window_at > p_now - interval '10 minutes' then 1 else 2 end;

-- A wedding is live, or a business works at one that is.
create function app.is_tenant_live(p_tenant uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.wedding_days d where app.now() between d.live_from and d.live_until
    and (d.wedding_id = p_tenant or exists (select from public.links l
      where l.wedding_id = d.wedding_id and l.supplier_id = p_tenant and l.status = 'active')));
$$;

-- One exchange ended so: 1 well, -1 not, 0 says nothing of the account. Enters the account's tenant as the system; what follows from it is decided
-- by connections.accounts.model, which is given all it asks for.
create function app.hear_account(p_connection uuid, p_tenant uuid, p_what text, p_word text, p_reason text, p_sign integer)
returns table (state text, failures integer, ok integer, failed integer, is_live boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  perform app.enter_account(p_connection, p_tenant);
  perform app.note_connection(p_connection, p_what, p_word, p_reason);
  return query
  with told as (
    update public.connection_health h set what = p_what, reason = case when p_sign < 0 then p_reason when p_sign > 0 then '' else h.reason end,
      failures = case p_sign when 1 then 0 when -1 then h.failures + 1 else h.failures end,
      ok_at = case when p_sign = 1 then v_now else h.ok_at end, failed_at = case when p_sign = -1 then v_now else h.failed_at end,
      window_at = case when x.over = 0 then h.window_at else v_now end,
      before_ok = case x.over when 0 then h.before_ok when 1 then h.window_ok else 0 end,
      before_failed = case x.over when 0 then h.before_failed when 1 then h.window_failed else 0 end,
      window_ok = case when x.over = 0 then h.window_ok else 0 end + (p_sign = 1)::integer,
      window_failed = case when x.over = 0 then h.window_failed else 0 end + (p_sign = -1)::integer
    from (select y.connection_id, app.windows_over(y.window_at, v_now) as over from public.connection_health y
      where y.connection_id = p_connection for update) x
    where h.connection_id = x.connection_id and h.tenant_id = p_tenant
    returning h.failures, h.window_ok + h.before_ok as ok, h.window_failed + h.before_failed as failed)
  select c.state, t.failures, t.ok, t.failed, p_sign = -1 and app.is_tenant_live(c.tenant_id)
  from told t, public.connections c where c.id = p_connection;
end $$;

-- The image of a connection that events and answers show.
create function app.connection_image(c public.connections) returns jsonb
language sql immutable set search_path = ''
  return to_jsonb(c) - '{sealed,account_key}'::text[];

-- The same rule as connections.accounts.model.is_sick; a test holds them against each other.
create function app.is_sick(p_failures integer, p_ok integer, p_failed integer, p_is_live boolean) returns boolean
language sql immutable set search_path = ''
  return p_failures >= case when p_is_live then 2 else 3 end or (p_failed >= 4 and p_failed > p_ok);

-- Called by the clock: every account that was not judged for 30 seconds (10 where its tenant is live) is judged by its traffic, all tenants in one
-- statement. An account that is being heard of at this moment is left for the next round. Returns the nudges.
create function app.judge_connections() returns setof text
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_now timestamptz := clock_timestamp();
  v_facts jsonb;
begin
  with live as materialized (
    select d.wedding_id as tenant_id from public.wedding_days d where app.now() between d.live_from and d.live_until
    union
    select l.supplier_id from public.wedding_days d join public.links l on l.wedding_id = d.wedding_id and l.status = 'active'
      where app.now() between d.live_from and d.live_until and l.supplier_id is not null),
  due as materialized (
    select h.connection_id, c.state, h.reason, l.tenant_id is not null as is_live, app.windows_over(h.window_at, v_now) as over,
      h.failures, h.window_ok, h.window_failed, h.before_ok, h.before_failed
    from public.connection_health h
    join public.connections c on c.id = h.connection_id and c.state in ('active', 'degraded') and c.deleted_at is null
    left join live l on l.tenant_id = h.tenant_id
    where h.checked_at <= v_now - case when l.tenant_id is null then interval '30 seconds' else interval '10 seconds' end
    order by h.connection_id for update of h skip locked),
  judged as materialized (
    select d.connection_id, d.state, d.reason, d.is_live, app.is_sick(d.failures,
      case d.over when 0 then d.window_ok + d.before_ok when 1 then d.window_ok else 0 end,
      case d.over when 0 then d.window_failed + d.before_failed when 1 then d.window_failed else 0 end, d.is_live) as is_sick
    from due d),
  checked as (
    update public.connection_health h set checked_at = v_now from judged j where h.connection_id = j.connection_id),
  moved as (
    update public.connections c set state = case when j.is_sick then 'degraded' else 'active' end, state_at = app.now(),
      state_reason = case when j.is_sick then j.reason else '' end
    from judged j
    where c.id = j.connection_id and c.state = j.state and j.is_sick <> (j.state = 'degraded')
    returning new.id, new.tenant_id, new.state, app.connection_image(new) as record, app.connection_image(old) as old_record)
  select jsonb_agg(jsonb_build_object('tenant', m.tenant_id, 'type',
      case when m.state = 'active' then 'connection.mended' else 'connection.changed' end, 'scope', 512, 'table', 'connections', 'id', m.id,
      'op', 'UPDATE', 'record', m.record, 'old', m.old_record)) into v_facts from moved m;
  if v_facts is not null then return query select t.nudge from app.tell_tenants(v_facts) as t(nudge); end if;
end $$;

create function app.forget_consents() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.connection_consents c where c.expires_at < clock_timestamp() - interval '1 day';
  get diagnostics n = row_count;
  return n;
end $$;

grant execute on function app.enter_account(uuid, uuid), app.account(uuid, uuid), app.take_consent(bytea, uuid, uuid),
  app.note_connection(uuid, text, text, text), app.hear_account(uuid, uuid, text, text, text, integer), app.connection_image(public.connections) to wedsync_user;
grant execute on function app.judge_connections(), app.forget_consents() to wedsync_service;
reset role;
