import type { Duplex } from 'node:stream'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import { headerLines, refuse } from './answers.ts'
import type { Asked } from './asked.ts'
import { hostPort } from './backend-client.ts'
import { join } from './joining.ts'
import { type Chosen, outgoing } from './outgoing.ts'
import type { Endpoint } from './routing-table.ts'

const answerMs = 60_000

/** Passes a request for another protocol on; once the endpoint has agreed the two connections are one. */
export async function passUpgrade(
  asked: Asked,
  chosen: Chosen,
  endpoint: Endpoint,
  client: { socket: Duplex; head: Buffer },
  { net, log }: { net: Net; log: Logger },
): Promise<void> {
  const { socket, head } = client
  try {
    const { url, headers: forwarded } = outgoing(asked, chosen)
    const headers = { ...forwarded, connection: 'Upgrade', upgrade: String(asked.request.headers.upgrade) }
    const reply = await net.stream(`http://${hostPort(endpoint)}${url}`, {
      ...{ method: asked.method, headers, timeoutMs: chosen.action.backendMs ?? answerMs },
    })
    if (!reply.upgraded) {
      reply.body.destroy()
      return refuse(socket, `${reply.status} Refused`)
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headerLines(reply.headers)}\r\n`)
    join(socket, head, reply.upgraded.socket, reply.upgraded.head)
  } catch (error) {
    log.warn({ host: asked.host, endpoint: hostPort(endpoint), error: explain(error) }, 'upgrade failed')
    refuse(socket, '502 Bad Gateway')
  }
}
