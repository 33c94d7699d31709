import { hasBody, type WebRequest } from '../../base/web-server.ts'
import { ApiError } from '../../models/api-error.ts'
import type { ApiRequest } from '../../models/rest.ts'

const proxied = /^\/api\/v1\/(?:namespaces\/[^/]+\/[^/]+|nodes)\/[^/]+\/proxy(?:[/?]|$)/

/**
 * What the client sends besides the head: on demand and whole, or, where it is passed on to a pod, service or node, as it comes,
 * since that may be of any size and begins before it ends. Nothing of it is kept for who may not ask at all.
 * @returns nothing where there is no body
 */
export function bodyOf(message: WebRequest, limit: number): Pick<ApiRequest, 'receive' | 'bodyStream'> {
  if (message.method === 'GET' || message.method === 'HEAD' || !hasBody(message)) return {}
  if (proxied.test(message.url ?? '')) return { bodyStream: message }
  return {
    async receive(this: ApiRequest) {
      this.body = await wholeBody(message, limit)
    },
  }
}

function wholeBody(message: WebRequest, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const gone = () => reject(new ApiError('BadRequest', 'the client went away before the end of its request'))
    const tooLarge = () => reject(new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${limit}`))
    if (Number(message.headers['content-length'] ?? 0) > limit) return tooLarge()
    if (message.destroyed) return gone()
    const parts: Buffer[] = []
    let size = 0
    message.on('data', (part: Buffer) => {
      size += part.length
      if (size > limit) {
        parts.length = 0
        tooLarge()
      } else parts.push(part)
    })
    message.on('end', () => resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts)))
    message.on('error', gone)
    message.on('close', gone)
  })
}
