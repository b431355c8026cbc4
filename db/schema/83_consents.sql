-- Who agreed to mails that offer something, and who takes no more of them: a ledger, and the one question that is asked of it before any such mail.
-- Home: the platform, for an address may be known to many. What concerns somebody's own wedding is no offer and asks nobody.
set role wedsync_owner;
create table public.mail_consents (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' check (tenant_id = '00000000-0000-7000-8000-000000000000'),
  address_index bytea not null check (length(address_index) = 16),
  supplier_id uuid,
  topic text not null check (topic in ('invitations', 'journeys', 'marketing', 'all')),
  act text not null check (act in ('given', 'withdrawn')),
  method text not null check (method in ('page', 'one_click', 'api', 'import', 'provider', 'complaint')),
  wording text not null default '' check (length(wording) <= 1000),
  source text not null default '' check (length(source) <= 300),
  sealed bytea,
  made_at timestamptz not null default clock_timestamp()
);
comment on table public.mail_consents is 'Consent to mails that offer something, and its withdrawal, to which words, how and whence: only ever added to';
comment on column public.mail_consents.supplier_id is 'From whom; null = from everybody';
comment on column public.mail_consents.sealed is 'The address, only so that the index can follow a new key';
create index mail_consents_address on public.mail_consents (address_index, made_at);
call app.protect('public.mail_consents', 'tenant_id', 'false', null);
grant insert, update on public.mail_consents to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- One line more. Only its owner takes a withdrawal back, on a page; what others bring along never does.
create function app.note_mail_consent(p_id uuid, p_index bytea, p_sealed bytea, p_supplier uuid, p_topic text, p_act text, p_method text, p_wording text,
  p_source text) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.mail_consents (id, address_index, sealed, supplier_id, topic, act, method, wording, source)
    values (p_id, p_index, p_sealed, p_supplier, p_topic, p_act, p_method, p_wording, p_source);
$$;

-- Which of these addresses get no such mail of this supplier, and why; the most restrictive word wins. p: [{n, index: [hex, by every key]}].
create function app.mail_refusals(p jsonb, p_topic text, p_supplier uuid) returns table (n integer, reason text)
language sql stable security definer set search_path = '' as $$
  with asked as (
    select (f.x ->> 'n')::integer as n, array(select decode(i, 'hex') from jsonb_array_elements_text(f.x -> 'index') as i) as index
    from jsonb_array_elements(p) as f(x)),
  judged as (
    select a.n, coalesce(
      (select s.reason from public.mail_suppressions s where s.address_index = any (a.index)
        and (s.covers = 'all' or s.reason = 'complained' or p_topic in ('invitations', 'marketing')) limit 1),
      (select 'withdrawn' from public.mail_consents w where w.address_index = any (a.index) and w.act = 'withdrawn' and w.topic in (p_topic, 'all')
        and (w.supplier_id is null or w.supplier_id = p_supplier)
        and not exists (select from public.mail_consents g where g.address_index = any (a.index) and g.act = 'given' and g.method = 'page'
          and g.topic in (p_topic, 'all') and g.supplier_id is not distinct from w.supplier_id and g.made_at > w.made_at) limit 1),
      case when p_topic = 'marketing' and not exists (select from public.mail_consents g where g.address_index = any (a.index) and g.act = 'given'
        and g.topic in ('marketing', 'all') and (g.supplier_id is null or g.supplier_id = p_supplier)) then 'never_given' end) as reason
    from asked a)
  select j.n, j.reason from judged j where j.reason is not null;
$$;

grant execute on function app.note_mail_consent(uuid, bytea, bytea, uuid, text, text, text, text, text), app.mail_refusals(jsonb, text, uuid)
  to wedsync_user;
reset role;
