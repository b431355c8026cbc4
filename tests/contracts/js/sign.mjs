// Signs a body with the standardwebhooks package of npm and tells the headers that a sender would add, as JSON.
import { Webhook } from 'standardwebhooks'

const { secret, id, body } = JSON.parse(process.argv[2])
const now = new Date()
process.stdout.write(
  JSON.stringify({
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, now, body),
  }),
)
