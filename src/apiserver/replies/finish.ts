import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { ApiReply, ApiRequest } from '../../models/rest.ts'
import type { Flow } from '../flow-control/flow-control.ts'
import { prettyJson, wantsPretty } from './pretty.ts'

const gzipAsync = promisify(gzip)
const gzipFromBytes = 128 * 1024
const warningLimit = 4096
const longWarning = 256

/** Headers that every reply has, warnings, and compression of what is large; only that has to be waited for. Changes `reply`. */
export function finishReply(
  request: ApiRequest,
  reply: ApiReply,
  auditId: string,
  warnings: string[],
  flow?: Flow,
): Promise<void> | undefined {
  const { headers } = reply
  headers['audit-id'] = auditId
  headers['cache-control'] ??= 'no-cache, private'
  if (flow) {
    headers['x-kubernetes-pf-flowschema-uid'] = flow.schemaUid
    headers['x-kubernetes-pf-prioritylevel-uid'] = flow.levelUid
  }
  if (warnings.length) headers['warning'] = warningHeaders(warnings)
  if (reply.body instanceof Uint8Array && headers['content-type'] === 'application/json' && wantsPretty(request))
    reply.body = prettyJson(reply.body)
  if (
    reply.body instanceof Uint8Array &&
    reply.body.length > gzipFromBytes &&
    headers['content-encoding'] === undefined &&
    /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  ) {
    headers['content-encoding'] = 'gzip'
    headers['vary'] = 'Accept-Encoding'
    return compress(reply, reply.body)
  }
  return undefined
}

async function compress(reply: ApiReply, body: Uint8Array): Promise<void> {
  reply.body = await gzipAsync(body, { level: constants.Z_BEST_SPEED })
}

/** `299 - "text"` each, once each, cut when there are very many; an empty one and one with control characters are left out. */
function warningHeaders(warnings: string[]): string[] {
  const unique = [...new Set(warnings)].filter(text => text !== '' && !/\p{Cc}/u.test(text))
  const tooMuch = unique.reduce((sum, text) => sum + text.length, 0) > warningLimit
  const out: string[] = []
  let total = 0
  for (const text of unique) {
    const shown = tooMuch && text.length > longWarning ? `${text.slice(0, longWarning - 3)}...` : text
    total += shown.length
    if (total > warningLimit) break
    out.push(`299 - "${shown.replace(/[\\"]/g, '\\$&').replace(/[^\x20-\x7e]/g, '?')}"`)
  }
  return out
}
