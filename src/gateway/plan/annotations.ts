import { checkRoutePolicySpec } from '../../models/kinds/optiflow/route-policy-validation.ts'
import type { RoutePolicyService } from '../../models/types/optiflow-v1.ts'
import type { PolicyWords } from './policy-of.ts'

const prefix = 'optiflow.dev/'
/** `"false"`: hosts with TLS answer plain requests too, instead of sending them to https. */
export const redirectAnnotation = `${prefix}ssl-redirect`

/** `"true"` on an Ingress or Gateway: its certificates are obtained by us. The second is what others use for it. */
export const acmeAnnotations = ['optiflow.dev/acme', 'kubernetes.io/tls-acme'] as const
/** Those that say nothing of a policy. */
const others = new Set<string>([redirectAnnotation, ...acmeAnnotations])

/** What annotations of an Ingress say of its policy. */
export interface AnnotatedPolicy {
  /** Undefined: nothing. */
  words?: PolicyWords
  /** Each with the annotation that it is about. */
  problems: string[]
  /** A guard among them is not understood: the routes let nobody pass. */
  broken: boolean
}

/** `a,b` */
const listOf = (text: string | undefined) => text?.split(',').filter(Boolean)
/** NaN is refused by the check of the policy. */
const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text))

/** The first word and `name=value` after it. */
function wordsOf(text: string): { first: string; options: Record<string, string> } {
  const words = text.split(/\s+/).filter(Boolean)
  const first = words[0]?.includes('=') ? '' : (words.shift() ?? '')
  return {
    first,
    options: Object.fromEntries(
      words.map(word => {
        const at = word.indexOf('=')
        return at < 0 ? [word, ''] : [word.slice(0, at), word.slice(at + 1)]
      }),
    ),
  }
}

/** `service:port/path` */
function serviceOf(text: string): RoutePolicyService {
  const [, name = '', port = '', path] = /^([^:/]*)(?::(\d+))?(\/.*)?$/.exec(text) ?? []
  return { name, port: Number(port), ...(path ? { path } : {}) }
}

type Reader = (text: string, words: PolicyWords) => void

/** By annotation, without the prefix. What is left undefined is as if not said. */
const readers: Record<string, { guards?: boolean; options?: readonly string[]; read: Reader }> = {
  'load-balancing': {
    read(text, words) {
      const [type, by] = text.split(':', 2) as [string, string?]
      const [hashBy, name] = by?.split('=', 2) ?? []
      words.loadBalancing = {
        type: camel(type === 'hash' ? 'consistent-hash' : type) as 'RoundRobin',
        ...(hashBy !== undefined ? { hashBy: camel(hashBy) as 'Header' } : {}),
        ...(name ? { name } : {}),
      }
    },
  },
  'health-check': {
    options: ['interval', 'timeout', 'failures', 'successes'],
    read(text, words) {
      const { first, options } = wordsOf(text)
      words.healthCheck = defined({
        path: first,
        intervalSeconds: numberOf(options['interval']),
        timeoutSeconds: numberOf(options['timeout']),
        failureThreshold: numberOf(options['failures']),
        successThreshold: numberOf(options['successes']),
      })
    },
  },
  'rate-limit': {
    guards: true,
    options: ['per', 'burst', 'by'],
    read(text, words) {
      const { first, options } = wordsOf(text)
      const [by, header] = options['by']?.split(':', 2) ?? []
      words.rateLimit = defined({
        requests: Number(first),
        perSeconds: numberOf(options['per']),
        burst: numberOf(options['burst']),
        by: by === undefined ? undefined : (camel(by) as 'Client'),
        header,
      })
    },
  },
  'auth-basic': {
    guards: true,
    options: ['realm'],
    read(text, words) {
      const { first, options } = wordsOf(text)
      const basic = defined({ secrets: listOf(first) ?? [], realm: options['realm'] })
      words.authentication = { ...words.authentication, basic }
    },
  },
  'auth-jwt': {
    guards: true,
    options: ['audiences', 'keys-url', 'keys-service', 'headers'],
    read(text, words) {
      const { first, options } = wordsOf(text)
      const jwt = defined({
        issuer: first,
        audiences: listOf(options['audiences']),
        keysUrl: options['keys-url'],
        keysService: options['keys-service'] === undefined ? undefined : serviceOf(options['keys-service']),
        claimHeaders: listOf(options['headers']) && pairsOf(options['headers']!),
      })
      words.authentication = { ...words.authentication, jwt }
    },
  },
  'auth-forward': {
    guards: true,
    options: ['headers'],
    read(text, words) {
      const { first, options } = wordsOf(text)
      const forward = defined({ service: serviceOf(first), responseHeaders: listOf(options['headers']) })
      words.authentication = { ...words.authentication, forward }
    },
  },
  retries: {
    options: ['statuses'],
    read(text, words) {
      const { first, options } = wordsOf(text)
      words.retry = defined({ attempts: Number(first), statuses: listOf(options['statuses'])?.map(Number) })
    },
  },
  'request-timeout': {
    read(text, words) {
      words.timeouts = { ...words.timeouts, request: text }
    },
  },
  'backend-timeout': {
    read(text, words) {
      words.timeouts = { ...words.timeouts, backend: text }
    },
  },
  'access-log': {
    read(text, words) {
      if (text !== 'true' && text !== 'false') throw new Error(`"${text}" is neither true nor false`)
      words.accessLog = text === 'true'
    },
  },
}

/** What the annotations of an Ingress say of how its requests are treated. Pure. */
export function annotatedPolicy(annotations: Readonly<Record<string, string>> = {}): AnnotatedPolicy {
  const words: PolicyWords = {}
  const problems: string[] = []
  let broken = false
  for (const [annotation, text] of Object.entries(annotations)) {
    if (!annotation.startsWith(prefix) || others.has(annotation)) continue
    const reader = readers[annotation.slice(prefix.length)]
    const said: PolicyWords = {}
    const wrong = reader ? problemsOf(reader, text, said) : ['no annotation of the gateway has this name']
    problems.push(...wrong.map(problem => `${annotation}: ${problem}`))
    if (wrong.length) broken ||= reader?.guards ?? annotation.startsWith(`${prefix}auth`)
    else
      Object.assign(words, {
        ...said,
        ...(said.timeouts ? { timeouts: { ...words.timeouts, ...said.timeouts } } : {}),
        ...(said.authentication ? { authentication: { ...words.authentication, ...said.authentication } } : {}),
      })
  }
  const together = checkRoutePolicySpec('', words)
  for (const { field, message } of together) problems.push(`${prefix}auth: ${field.slice(1)}: ${message}`)
  return {
    ...(Object.keys(words).length ? { words } : {}),
    problems,
    broken: broken || together.length > 0,
  }
}

function problemsOf({ read, options = [] }: (typeof readers)[string], text: string, said: PolicyWords): string[] {
  const unknown = Object.keys(wordsOf(text).options).filter(name => options.length && !options.includes(name))
  if (unknown.length) return [`unknown ${unknown.join(', ')}; it knows ${options.join(', ')}`]
  try {
    read(text.trim(), said)
  } catch (error) {
    return [(error as Error).message]
  }
  return checkRoutePolicySpec('', said).map(({ field, message }) => `${field.replace(/^\.\w+\.?/, '')}: ${message}`)
}

/** `round-robin` → `RoundRobin` */
const camel = (text: string) => text.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** `X-User=sub,X-Mail=email` */
const pairsOf = (text: string) =>
  Object.fromEntries(text.split(',').map(pair => pair.split('=', 2) as [string, string]))

function defined<T extends object>(object: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}
