import { hasBody, type WebRequest } from '../../base/web-server.ts'

const proxied = /^\/api\/v1\/(?:namespaces\/[^/]+\/[^/]+|nodes)\/[^/]+\/proxy(?:[/?]|$)/

/**
 * What the client sends besides the head: whole, or, where it is passed on to a pod, service or node, as it comes, since that
 * may be of any size and begins before it ends.
 * @returns undefined for none
 */
export function readBody(
  message: WebRequest,
  limit: number,
): Promise<Uint8Array | 'too large'> | AsyncIterable<Uint8Array> | undefined {
  if (message.method === 'GET' || message.method === 'HEAD' || !hasBody(message)) return undefined
  if (proxied.test(message.url ?? '')) return message
  return wholeBody(message, limit)
}

function wholeBody(message: WebRequest, limit: number): Promise<Uint8Array | 'too large'> {
  return new Promise((resolve, reject) => {
    if (Number(message.headers['content-length'] ?? 0) > limit) return resolve('too large')
    const parts: Buffer[] = []
    let size = 0
    message.on('data', (part: Buffer) => {
      size += part.length
      if (size > limit) resolve('too large')
      else parts.push(part)
    })
    message.on('end', () => resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts)))
    message.on('error', reject)
    message.on('close', () => {
      if (!message.readableEnded) reject(new Error('the client went away before the end of its request'))
    })
  })
}
