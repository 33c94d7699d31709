import type { Random } from '../base/random.ts'
import type { Asked } from './asked.ts'
import type { Choice } from './balancer.ts'
import type { Headers } from './headers.ts'
import type { Balancing } from './policy/policy.ts'

/** How the endpoint of a request is chosen, and the cookie that the client gets with the answer, if it gets one. */
export interface Chance {
  choice: Choice
  cookie?: string
}

const byLoad: Chance = { choice: { type: 'LeastRequests' } }

export function chanceOf(asked: Asked, balancing: Balancing | undefined, random: Random): Chance {
  if (!balancing) return byLoad
  const { headers } = asked.request
  const hash = (key: string): Chance => ({ choice: { type: 'Hash', key } })
  switch (balancing.type) {
    case 'SourceAddress':
      return hash(asked.clientIp)
    case 'Header':
      return hash([headers[balancing.name] ?? asked.clientIp].flat().join(','))
    case 'Cookie': {
      const { name } = balancing
      const there = cookieOf(headers.cookie, name)
      if (there) return hash(there)
      const made = random.uuid()
      return {
        ...hash(made),
        cookie: `${name}=${made}; Path=/; HttpOnly; SameSite=Lax${asked.at.secure ? '; Secure' : ''}`,
      }
    }
    default:
      return { choice: { type: balancing.type } }
  }
}

export function withCookie(headers: Headers, { cookie }: Chance): void {
  if (cookie) headers['set-cookie'] = [headers['set-cookie'] ?? [], cookie].flat()
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const at = pair.indexOf('=')
    if (pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim()
  }
  return undefined
}
