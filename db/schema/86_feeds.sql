-- The door of a feed: a transaction that may read what the feed's maker may, in its own home or in a wedding of the supplier.
set role wedsync_recorder;

-- WS404 = there is none, WS410 = it was ended, or its maker has left. A wedding is entered by the supplier's own link, never by another's.
create function app.enter_feed(p_feed uuid, p_wedding uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  f record;
  s record;
begin
  select x.tenant_id, x.person_id, x.revoked_at into f from public.feeds x where x.id = p_feed;
  if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  select * into s from app.standing(f.person_id, f.tenant_id);
  if not found or f.revoked_at is not null then raise exception 'gone' using errcode = 'WS410'; end if;
  if p_wedding is not null then
    select 'supplier' as role, l.mask, l.id as link_id, null::uuid as membership_id into s
    from public.links l
    join public.supplier_members m on m.supplier_id = l.supplier_id and m.person_id = f.person_id and m.removed_at is null
    where l.supplier_id = f.tenant_id and l.wedding_id = p_wedding and l.status = 'active'
      and (m.role in ('owner', 'admin')
        or exists (select from public.assignments a where a.supplier_id = m.supplier_id and a.member_id = m.id and a.link_id = l.id))
    order by l.mask desc, l.id limit 1;
    if not found then raise exception 'not found' using errcode = 'WS404'; end if;
  else
    update public.feeds x set read_at = app.now()
    where x.tenant_id = f.tenant_id and x.id = p_feed and (x.read_at is null or x.read_at < app.now() - interval '1 hour');
  end if;
  perform app.settle(f.person_id, 'person', coalesce(p_wedding, f.tenant_id), s.role, s.mask, 0, s.link_id, s.membership_id);
  if s.link_id is not null then raise info 'entered % % %', coalesce(p_wedding, f.tenant_id), s.link_id, s.mask; end if;
  -- Policies that go by the role would let whoever has the address write.
  perform set_config('transaction_read_only', 'on', true);
end $$;
revoke all on function app.enter_feed(uuid, uuid) from public;
grant execute on function app.enter_feed(uuid, uuid) to wedsync_user;
reset role;
