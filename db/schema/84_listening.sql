-- Listening: what an endpoint of the entered tenant would be sent, read from the log by position. Nothing is kept for a listener, so nothing of it
-- is left behind; the positions are its own, and since numbers are dense and in commit order within a stream, it misses nothing between two calls.
set role wedsync_recorder;

-- p_patterns: like those of subscriptions. p_after: {stream id: seq}; null only asks where everything stands. One row for each event, oldest first
-- within its stream, and one without an event for each stream that was read to its end or has not been asked for. A supplier hears a wedding from
-- the moment its link became active, as its endpoints do, and what its link may see now.
create function app.heard(p_patterns text[], p_after jsonb, p_limit integer)
returns table (stream text, epoch integer, seq bigint, event text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if app.tenant() is null or app.mask() & 512 = 0 then raise exception 'not found' using errcode = 'WS404'; end if;
  return query
  with standing as materialized (
    select s.id, s.kind, s.epoch, s.top, s.id = app.tenant() as is_own, (p_after ->> s.id::text)::bigint as known from public.streams s
    where s.id in (select app.tenant() union select l.wedding_id from public.links l where l.supplier_id = app.tenant() and l.status = 'active')),
  news as materialized (
    select n.id, n.kind, n.epoch, n.top, n.is_own, coalesce(case when f.active is null then n.known else greatest(n.known, f.active - 1) end, n.top) as after
    from (select t.id, t.kind, t.epoch, t.top, t.is_own, t.known from standing t
      where p_after is not null and t.top > coalesce(t.known, -1) order by t.known nulls first limit 32) n
    left join lateral (select max(e.seq) as active from public.links l join public.events e on e.stream_id = n.id and e.subject_table = 'links'
        and e.subject_id = l.id and e.record ->> 'status' = 'active' and e.old_record ->> 'status' is distinct from 'active'
      where l.wedding_id = n.id and l.supplier_id = app.tenant() and l.status = 'active') f on not n.is_own),
  found as materialized (
    select n.id, n.kind, n.epoch, e.seq, e.event, e.nth, e.link_id, e.scopes
    from news n cross join lateral (
      select x.seq, app.event_for(x, n.kind, v.link_id) as event, row_number() over (order by x.seq) as nth, v.link_id, x.scope & v.mask as scopes
      from public.events x join public.event_types t on t.type = x.type
      cross join lateral (
        select null::uuid as link_id, 0 as mask where n.is_own
        union all
        select l.id, l.mask from public.links l where not n.is_own and l.wedding_id = n.id and l.supplier_id = app.tenant() and l.status = 'active'
          and app.sees(l.mask, l.id, null, x.scope, x.link_id, x.membership_id)
        limit 1) v
      where x.stream_id = n.id and x.seq > n.after and x.seq <= n.top and not x.bulk and x.type like any (p_patterns)
      order by x.seq limit p_limit) e),
  told as materialized (
    select app.tell_read(f.id, f.link_id, bit_or(f.scopes)) as is_told from found f group by f.id, f.link_id)
  select r.kind || ':' || r.id, r.epoch, r.seq, r.event from (
    select f.id, f.kind, f.epoch, f.seq, f.event, 0 as last from found f
    union all
    select s.id, s.kind, s.epoch, s.top, null, 1 from standing s
      where p_after is null or s.id in (select n.id from news n) and not exists (select from found f where f.id = s.id and f.nth = p_limit)) r
  where (select count(t.is_told) from told t) >= 0
  order by r.id, r.last, r.seq;
end $$;
grant execute on function app.heard(text[], jsonb, integer) to wedsync_user;
reset role;
