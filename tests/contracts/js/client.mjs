// Runs the unmodified JavaScript client and tells what it hears as JSON lines; orders come as JSON lines.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const given = JSON.parse(process.argv[2])
const { RealtimeClient } = createRequire(import.meta.url)(given.sdk)

function tell(what, more = {}) {
  process.stdout.write(JSON.stringify({ what, ...more }) + '\n')
}

const client = new RealtimeClient(given.url, {
  params: { apikey: given.token },
  vsn: given.vsn,
  reconnectAfterMs: () => 50,
})
await client.setAuth(given.token)

const channel = client.channel(given.topic, {
  config: { private: true, broadcast: { ack: true }, presence: { key: 'js' } },
})
channel
  .on('postgres_changes', { event: '*', schema: 'public', table: 'rsvps' }, (payload) => tell('change', { payload }))
  .on('broadcast', { event: 'cursor' }, (payload) => tell('broadcast', { payload }))
  .on('presence', { event: 'sync' }, () => tell('presence', { state: channel.presenceState() }))
  .on('system', {}, (payload) => tell('system', { payload }))
  .subscribe((status, error) => tell('status', { status, error: error?.message }))

const orders = {
  send: async ({ event, payload }) => tell('sent', { result: await channel.send({ type: 'broadcast', event, payload }) }),
  httpSend: async ({ event, payload }) => tell('sent', { result: await channel.httpSend(event, payload) }),
  track: async ({ payload }) => tell('tracked', { result: await channel.track(payload) }),
  setAuth: async ({ token }) => client.setAuth(token),
  leave: async () => tell('left', { result: await client.removeChannel(channel) }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line)
  await orders[order.do](order)
}
