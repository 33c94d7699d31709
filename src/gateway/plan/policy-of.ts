import { parseGoDuration } from '../../models/go-duration.ts'
import type {
  RoutePolicyJwt,
  RoutePolicyLoadBalancing,
  RoutePolicyRateLimit,
  RoutePolicyService,
  RoutePolicySpec,
} from '../../models/types/optiflow-v1.ts'
import { digest } from '../policy/guards.ts'
import type { Balancing, BasicAuth, Guard, JwtAuth, Policy, RateLimit } from '../policy/policy.ts'
import type { Backend } from '../routing-table.ts'
import { type BackendInput, backendOf } from './backends.ts'
import type { Engine } from './engine.ts'

/** What a policy says, without its targets. */
export type PolicyWords = Omit<RoutePolicySpec, 'targetRefs'>

export interface PolicySource {
  /** Names its counters, and the realm of its passwords. */
  id: string
  namespace: string
  words: PolicyWords
}

export interface PolicyInput extends BackendInput {
  engine: Engine
}

/** Why a policy cannot be carried out. */
class BrokenPolicy extends Error {}

/**
 * A policy as the proxy carries it out. Guards that cannot be carried out let nobody pass: a Secret that is missing must not open
 * a route. @returns besides what is wrong with it
 */
export function policyOf(input: PolicyInput, source: PolicySource): { policy: Policy; problem?: string } {
  const { loadBalancing, healthCheck, retry, timeouts, accessLog } = source.words
  const guard = guardOf(input, source)
  const requestMs = parseGoDuration(timeouts?.request ?? '')
  const backendMs = parseGoDuration(timeouts?.backend ?? '')
  const policy: Policy = {
    guards: guard ? [guard] : [],
    ...(loadBalancing ? { balancing: balancingOf(loadBalancing) } : {}),
    ...(healthCheck
      ? {
          healthCheck: {
            path: healthCheck.path ?? '/',
            intervalMs: (healthCheck.intervalSeconds ?? 10) * 1_000,
            timeoutMs: (healthCheck.timeoutSeconds ?? 2) * 1_000,
            failureThreshold: healthCheck.failureThreshold ?? 3,
            successThreshold: healthCheck.successThreshold ?? 1,
          },
        }
      : {}),
    ...(retry ? { retry: { attempts: retry.attempts ?? 3, statuses: new Set(retry.statuses) } } : {}),
    ...(requestMs ? { requestMs } : {}),
    ...(backendMs ? { backendMs } : {}),
    ...(accessLog === undefined ? {} : { accessLog }),
  }
  if (guard?.broken !== undefined) return { policy, problem: guard.broken }
  const gap = input.engine.cannot({ action: { backends: [], policy } })
  if (gap === undefined) return { policy }
  // What does not guard is left out; what guards closes the route.
  const guards = guard ? [{ id: guard.id, broken: gap }] : []
  return { policy: { guards }, problem: gap }
}

/** What holds for a route: its own words before those of its Gateway; the guards of both. */
export function mergedPolicy(outer: Policy | undefined, inner: Policy | undefined): Policy | undefined {
  if (!outer || !inner) return inner ?? outer
  return { ...outer, ...inner, guards: [...outer.guards, ...inner.guards] }
}

function guardOf(input: BackendInput, source: PolicySource): Guard | undefined {
  const { id, namespace, words } = source
  const { rateLimit, authentication } = words
  if (!rateLimit && !authentication) return undefined
  const { basic, jwt, forward } = authentication ?? {}
  const service = (named: RoutePolicyService) => serviceOf(input, namespace, named)
  try {
    return {
      id,
      ...(rateLimit ? { rateLimit: rateLimitOf(rateLimit) } : {}),
      ...(basic
        ? { basic: { realm: basic.realm ?? id, credentials: credentialsOf(input, namespace, basic.secrets) } }
        : {}),
      ...(jwt ? { jwt: jwtOf(jwt, service) } : {}),
      ...(forward
        ? {
            forward: {
              backend: service(forward.service),
              path: forward.path ?? forward.service.path,
              responseHeaders: (forward.responseHeaders ?? []).map(name => name.toLowerCase()),
            },
          }
        : {}),
    }
  } catch (error) {
    if (!(error instanceof BrokenPolicy)) throw error
    return { id, broken: error.message }
  }
}

function balancingOf({ type, hashBy, name = '' }: RoutePolicyLoadBalancing): Balancing {
  if (type !== 'ConsistentHash') return { type }
  if (hashBy === 'Header') return { type: hashBy, name: name.toLowerCase() }
  return hashBy === 'Cookie' ? { type: hashBy, name } : { type: 'SourceAddress' }
}

function rateLimitOf({ requests, perSeconds = 1, burst = requests, by, header }: RoutePolicyRateLimit): RateLimit {
  return {
    perSecond: requests / perSeconds,
    burst,
    by: by === 'Header' ? { header: (header ?? '').toLowerCase() } : (by ?? 'Client'),
  }
}

/** @throws BrokenPolicy */
function credentialsOf(input: BackendInput, namespace: string, secrets: readonly string[]): BasicAuth['credentials'] {
  return new Set(
    secrets.map(name => {
      const secret = input.secret(namespace, name)
      const text = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()
      if (secret?.type !== 'kubernetes.io/basic-auth' || !text('username') || !text('password'))
        throw new BrokenPolicy(
          `there is no secret "${namespace}/${name}" of type kubernetes.io/basic-auth with username and password`,
        )
      return digest(`${text('username')}:${text('password')}`)
    }),
  )
}

function jwtOf(jwt: RoutePolicyJwt, service: (named: RoutePolicyService) => Backend): JwtAuth {
  const { issuer, audiences = [], keys = '', keysUrl, keysService, claimHeaders = {} } = jwt
  return {
    issuer,
    audiences,
    keys: keysUrl
      ? { url: keysUrl }
      : keysService
        ? { backend: service(keysService), path: keysService.path ?? '/' }
        : { set: keys },
    claimHeaders: Object.fromEntries(Object.entries(claimHeaders).map(([name, claim]) => [name.toLowerCase(), claim])),
  }
}

/** @throws BrokenPolicy */
function serviceOf(input: BackendInput, namespace: string, { name, port }: RoutePolicyService): Backend {
  const { wrong, ...backend } = backendOf(input, { namespace, service: name, port })
  if (wrong) throw new BrokenPolicy(backend.problem!)
  return backend
}
