-- The reader door: what the gateway may ask. It holds no select of its own; every answer comes from one of these functions.
set role wedsync_recorder;
create function app.audience(p_person uuid, p_kind text, p_tenant uuid)
returns table (mask integer, link_id uuid, membership_id uuid, role text)
language sql stable security definer set search_path = '' as $$
  select s.mask, s.link_id, s.membership_id, s.role from app.standing(p_person, p_tenant) s where s.kind = p_kind;
$$;

create function app.stream_top(p_kind text, p_tenant uuid) returns table (epoch integer, top bigint, oldest bigint)
language sql stable security definer set search_path = '' as $$
  select s.epoch, s.top, coalesce((select min(e.seq) from public.events e where e.stream_id = s.id), s.top + 1)
  from public.streams s where s.id = p_tenant and s.kind = p_kind;
$$;

create function app.stream_tops(p_tenants uuid[]) returns table (id uuid, epoch integer, top bigint)
language sql stable security definer set search_path = '' as $$
  select s.id, s.epoch, s.top from public.streams s where s.id = any (p_tenants);
$$;

create function app.read_events(p_tenant uuid, p_after bigint, p_limit integer) returns setof text
language sql stable security definer set search_path = '' as $$
  select app.event_text(e, s.kind) from public.streams s
  join public.events e on e.stream_id = s.id
  where s.id = p_tenant and e.seq > p_after order by e.seq limit least(p_limit, 2000);
$$;

create function app.site_stream(p_slug text) returns uuid
language sql stable security definer set search_path = '' as $$
  select s.wedding_id from public.sites s where s.slug = p_slug and s.is_published;
$$;

create function app.save_positions(p jsonb) returns void
language sql volatile security definer set search_path = '' as $$
  insert into public.socket_positions as t (key, stream_id, epoch, seq)
  select decode(x ->> 'key', 'hex'), (x ->> 'stream')::uuid, (x ->> 'epoch')::integer, (x ->> 'seq')::bigint from jsonb_array_elements(p) as f(x)
  on conflict (key) do update set stream_id = excluded.stream_id, epoch = excluded.epoch, seq = excluded.seq, updated_at = clock_timestamp();
$$;

create function app.position(p_key bytea) returns table (epoch integer, seq bigint)
language sql stable security definer set search_path = '' as $$
  select p.epoch, p.seq from public.socket_positions p where p.key = p_key and p.updated_at > clock_timestamp() - interval '10 minutes';
$$;

create function app.forget_positions() returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
  n integer;
begin
  delete from public.socket_positions p where p.updated_at < clock_timestamp() - interval '10 minutes';
  get diagnostics n = row_count;
  return n;
end $$;

grant execute on function app.audience(uuid, text, uuid), app.stream_top(text, uuid), app.stream_tops(uuid[]), app.read_events(uuid, bigint, integer),
  app.site_stream(text), app.save_positions(jsonb), app.position(bytea) to wedsync_reader;
grant execute on function app.forget_positions() to wedsync_service;
reset role;
