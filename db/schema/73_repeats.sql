-- Repeats: what was carried out under an Idempotency-Key, and the answer to give again. Home: the person who asked.
-- The row is written in the transaction of the change itself, so there is no instant at which one is there without the other.
set role wedsync_owner;
create table public.kept_answers (
  place bytea primary key check (length(place) = 32),
  id uuid not null,
  person_id uuid not null references public.persons on delete cascade,
  request bytea not null check (length(request) <= 256),
  answer bytea,
  claimed_at timestamptz not null default clock_timestamp()
);
comment on table public.kept_answers is 'What was done under an Idempotency-Key (its SHA-256 with caller, method and path), the sealed digest of what was asked, and the sealed answer; a day long';
create index kept_answers_person on public.kept_answers (person_id);
create index kept_answers_claimed on public.kept_answers (claimed_at);
call app.protect('public.kept_answers', 'person_id', 'false', null);
revoke select on public.kept_answers from wedsync_user;
grant insert, update, delete on public.kept_answers to wedsync_recorder;
reset role;

set role wedsync_recorder;
create function app.answers_kept_for() returns interval language sql immutable
  return interval '24 hours';

-- What is kept for one place, for the person whose it is.
create function app.kept_answer(p_person uuid, p_place bytea) returns table (id uuid, request bytea, answer bytea)
language sql stable security definer set search_path = '' as $$
  select k.id, k.request, k.answer from public.kept_answers k
  where k.place = p_place and k.person_id = p_person and k.claimed_at > clock_timestamp() - app.answers_kept_for();
$$;

-- At the start of the change: may it begin? The lock is this transaction's, so a second at the same time is told instead of waiting.
create function app.begin_once(p_place bytea) returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
  if not pg_try_advisory_xact_lock(('x' || encode(substring(p_place for 8), 'hex'))::bit(64)::bigint) then return 'under_way'; end if;
  perform from public.kept_answers k where k.place = p_place and k.claimed_at > clock_timestamp() - app.answers_kept_for();
  return case when found then 'done' else 'free' end;
end $$;

-- Before the commit of the change: it was done under this key. False where the transaction changes nothing.
create function app.claim_once(p_person uuid, p_place bytea, p_id uuid, p_request bytea, p_changes boolean) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  if not p_changes and pg_current_xact_id_if_assigned() is null then return false; end if;
  insert into public.kept_answers as k (place, id, person_id, request) values (p_place, p_id, p_person, p_request)
  on conflict (place) do update set id = excluded.id, person_id = excluded.person_id, request = excluded.request, answer = null,
    claimed_at = clock_timestamp()
  where k.claimed_at <= clock_timestamp() - app.answers_kept_for();
  if not found then raise exception 'done meanwhile' using errcode = 'unique_violation'; end if;
  return true;
end $$;

-- After the commit: the answer, for the claim it belongs to.
create function app.keep_answer(p_person uuid, p_place bytea, p_id uuid, p_answer bytea) returns void
language sql volatile security definer set search_path = '' as $$
  update public.kept_answers k set answer = p_answer
  where k.place = p_place and k.id = p_id and k.person_id = p_person and k.answer is null;
$$;

create function app.forget_answers() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.kept_answers k where k.claimed_at <= clock_timestamp() - app.answers_kept_for();
  get diagnostics n = row_count;
  return n;
end $$;

grant execute on function app.kept_answer(uuid, bytea), app.begin_once(bytea), app.claim_once(uuid, bytea, uuid, bytea, boolean),
  app.keep_answer(uuid, bytea, uuid, bytea) to wedsync_user;
grant execute on function app.forget_answers() to wedsync_service;
reset role;
