import type { ApiReply } from '../../models/rest.ts'
import type { Call } from '../core.ts'
import { textReply } from '../replies/reply.ts'
import { docsPage } from './page.ts'

const policy =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** /docs: written when first asked for, and again when the kinds change. */
export class Docs {
  #generation = -1
  #page = ''

  reply(call: Call): ApiReply | undefined {
    if (call.info.path !== '/docs' && call.info.path !== '/docs/') return undefined
    const { resources } = call.core
    if (this.#generation !== resources.generation) {
      this.#page = docsPage(resources)
      this.#generation = resources.generation
    }
    const reply = textReply(200, this.#page, 'text/html; charset=utf-8')
    reply.headers['content-security-policy'] = policy
    reply.headers['referrer-policy'] = 'no-referrer'
    return reply
  }
}
