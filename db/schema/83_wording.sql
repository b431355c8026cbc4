-- The words of notices as operators wrote them: each change is a version more, the newest of a key and locale is used. Home: the platform.
set role wedsync_owner;
create table public.wordings (
  id uuid primary key default uuidv7(),
  tenant_id uuid not null default '00000000-0000-7000-8000-000000000000' check (tenant_id = '00000000-0000-7000-8000-000000000000'),
  key text not null check (key ~ '^[a-z_]+(\.[a-z_]+)?$' and length(key) <= 80),
  locale text not null check (locale ~ '^[a-z]{2}(-[A-Z]{2})?$'),
  number integer not null check (number >= 1),
  words jsonb check (jsonb_typeof(words) = 'object' and length(words::text) <= 8000),
  note text not null default '' check (length(note) <= 300),
  made_by uuid not null references public.persons,
  made_at timestamptz not null,
  unique (key, locale, number)
);
comment on table public.wordings is 'What an operator wrote for a notice in a language; only ever added to, so that what somebody was sent can be read again';
comment on column public.wordings.words is 'title, body, ask, button, confirm, each as far as it says something; null = as WedSync ships it from here on';
call app.protect('public.wordings', 'tenant_id', $$(select app.role()) = 'operator'$$, null);
grant insert on public.wordings to wedsync_recorder;
reset role;

set role wedsync_recorder;
-- The newest versions of these texts in all languages that say something, as the sender of notices reads them; words of the product, nobody's own.
create function app.wordings_of(p_keys text[]) returns text
language sql stable security definer set search_path = '' as $$
  select jsonb_agg(jsonb_build_object('key', v.key, 'locale', v.locale, 'number', v.number, 'words', v.words))::text
  from (select distinct on (w.key, w.locale) w.key, w.locale, w.number, w.words from public.wordings w
    where w.key = any (p_keys) order by w.key, w.locale, w.number desc) v
  where v.words is not null;
$$;

-- A new version by an operator who has seen the newest one: of two at once the second is told so (null).
create function app.add_wording(p_key text, p_locale text, p_seen integer, p_words jsonb, p_note text) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  v integer;
begin
  perform app.as_operator();
  insert into public.wordings (key, locale, number, words, note, made_by, made_at)
    select p_key, p_locale, p_seen + 1, p_words, p_note, app.actor(), app.now()
    where p_seen = coalesce((select max(w.number) from public.wordings w where w.key = p_key and w.locale = p_locale), 0)
    on conflict (key, locale, number) do nothing
    returning number into v;
  return v;
end $$;

-- Versions of one text in one language, newest first, with who wrote them.
create function app.wording_history(p_key text, p_locale text)
returns table (number integer, words jsonb, note text, made_at timestamptz, made_by text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform app.as_operator();
  return query select w.number, w.words, w.note, w.made_at, coalesce(nullif(p.name, ''), p.email, '')
    from public.wordings w join public.persons p on p.person_id = w.made_by
    where w.key = p_key and w.locale = p_locale order by w.number desc limit 50;
end $$;

-- A sample of a notice to the operator who asks for it: sealed, and of use for an hour.
create function app.owe_sample(p_delivery uuid, p_sealed bytea) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  v_at timestamptz := clock_timestamp();
  v_person uuid := app.as_operator();
begin
  insert into public.deliveries (id, made_at, tenant_id, connector, destination_id, type, recipient_kind, recipient_id, sealed, lane, expires_at)
    values (p_delivery, v_at, app.tenant(), 'mail', app.shared_destination('mail'), 'wording.sampled', 'person', v_person, p_sealed, 2,
      v_at + interval '1 hour');
  insert into public.jobs (id, kind, name, lane, tenant_id, destination_id, made_at, expires_at)
    values (p_delivery, 'delivery', 'mail', 2, app.tenant(), app.shared_destination('mail'), v_at, v_at + interval '1 hour');
end $$;

grant execute on function app.wordings_of(text[]), app.add_wording(text, text, integer, jsonb, text), app.wording_history(text, text),
  app.owe_sample(uuid, bytea) to wedsync_user;
reset role;
