import { isDns1123Subdomain } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import { parseGoDuration } from '../../go-duration.ts'
import type {
  RoutePolicyAuthentication,
  RoutePolicyHealthCheck,
  RoutePolicyJwt,
  RoutePolicyLoadBalancing,
  RoutePolicyRateLimit,
  RoutePolicyRetry,
  RoutePolicyService,
  RoutePolicySpec,
  RoutePolicyTarget,
  RoutePolicyTimeouts,
} from '../../types/optiflow-v1.ts'
import { checkPort } from '../checks.ts'

const groupOf: Record<string, string> = {
  Gateway: 'gateway.networking.k8s.io',
  HTTPRoute: 'gateway.networking.k8s.io',
  GRPCRoute: 'gateway.networking.k8s.io',
  Ingress: 'networking.k8s.io',
}
const mostTargets = 16
const balancings = ['LeastRequests', 'RoundRobin', 'ConsistentHash']
const hashes = ['SourceAddress', 'Header', 'Cookie']
const limited = ['Client', 'Route', 'Header']
/** What RFC 9110 calls a token: names of headers and of cookies. */
const token = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/

export function checkTargets(targets: readonly RoutePolicyTarget[] | undefined): FieldError[] {
  if (!targets?.length) return [required('spec.targetRefs', 'for which routes the policy is')]
  const errors: FieldError[] = []
  if (targets.length > mostTargets)
    errors.push(invalid('spec.targetRefs', targets.length, `must be at most ${mostTargets}`))
  const seen = new Set<string>()
  for (const [i, { group, kind, name }] of targets.entries()) {
    const at = `spec.targetRefs[${i}]`
    const wanted = groupOf[kind]
    if (wanted === undefined) errors.push(notSupported(`${at}.kind`, kind, Object.keys(groupOf)))
    else if (group !== wanted) errors.push(notSupported(`${at}.group`, group, [wanted]))
    if (!name) errors.push(required(`${at}.name`))
    if (seen.has(`${kind}/${name}`)) errors.push(duplicate(at, `${kind}/${name}`))
    seen.add(`${kind}/${name}`)
  }
  return errors
}

/** All of a policy but its targets. @param at the field it is in: `spec` */
export function checkRoutePolicySpec(at: string, spec: Omit<RoutePolicySpec, 'targetRefs'>): FieldError[] {
  const { loadBalancing, healthCheck, rateLimit, authentication, retry, timeouts } = spec
  return [
    ...(loadBalancing ? checkBalancing(`${at}.loadBalancing`, loadBalancing) : []),
    ...(healthCheck ? checkHealthCheck(`${at}.healthCheck`, healthCheck) : []),
    ...(rateLimit ? checkRateLimit(`${at}.rateLimit`, rateLimit) : []),
    ...(authentication ? checkAuthentication(`${at}.authentication`, authentication) : []),
    ...(retry ? checkRetry(`${at}.retry`, retry) : []),
    ...(timeouts ? checkTimeouts(`${at}.timeouts`, timeouts) : []),
  ]
}

function checkBalancing(at: string, { type, hashBy, name }: RoutePolicyLoadBalancing): FieldError[] {
  if (!balancings.includes(type)) return [notSupported(`${at}.type`, type, balancings)]
  if (type !== 'ConsistentHash')
    return hashBy ? [forbidden(`${at}.hashBy`, 'may only be set when `type` is `ConsistentHash`')] : []
  if (hashBy === undefined || !hashes.includes(hashBy)) return [notSupported(`${at}.hashBy`, hashBy ?? '', hashes)]
  return hashBy === 'SourceAddress' ? [] : checkToken(`${at}.name`, name)
}

function checkHealthCheck(at: string, check: RoutePolicyHealthCheck): FieldError[] {
  const { path, ...numbers } = check
  return [
    ...checkPath(`${at}.path`, path),
    ...Object.entries(numbers).flatMap(([field, value]) => checkRange(`${at}.${field}`, value, 1, 3_600)),
  ]
}

function checkRateLimit(at: string, { requests, perSeconds, burst, by, header }: RoutePolicyRateLimit): FieldError[] {
  const errors = [
    ...checkRange(`${at}.requests`, requests ?? 0, 1, 1_000_000),
    ...checkRange(`${at}.perSeconds`, perSeconds, 1, 86_400),
    ...checkRange(`${at}.burst`, burst, 1, 1_000_000),
  ]
  if (by !== undefined && !limited.includes(by)) errors.push(notSupported(`${at}.by`, by, limited))
  if (by === 'Header') errors.push(...checkToken(`${at}.header`, header))
  else if (header !== undefined) errors.push(forbidden(`${at}.header`, 'may only be set when `by` is `Header`'))
  return errors
}

function checkAuthentication(at: string, { basic, jwt, forward }: RoutePolicyAuthentication): FieldError[] {
  const errors: FieldError[] = []
  if (!basic && !jwt && !forward) errors.push(required(at, 'at least one of basic, jwt and forward'))
  if (basic && jwt)
    errors.push(forbidden(`${at}.jwt`, 'may not be together with `basic`: both are said in the header Authorization'))
  if (basic) {
    if (!basic.secrets?.length) errors.push(required(`${at}.basic.secrets`, 'whose passwords let in'))
    if (basic.realm !== undefined && !/^[ !#-[\]-~]{1,128}$/.test(basic.realm))
      errors.push(invalid(`${at}.basic.realm`, basic.realm, 'must be printable ASCII without quotes and backslashes'))
  }
  if (jwt) errors.push(...checkJwt(`${at}.jwt`, jwt))
  if (forward)
    errors.push(
      ...checkService(`${at}.forward.service`, forward.service),
      ...checkPath(`${at}.forward.path`, forward.path),
      ...(forward.responseHeaders ?? []).flatMap((name, i) => checkToken(`${at}.forward.responseHeaders[${i}]`, name)),
    )
  return errors
}

function checkJwt(at: string, { issuer, keys, keysService, keysUrl, claimHeaders = {} }: RoutePolicyJwt): FieldError[] {
  const errors: FieldError[] = []
  if (!issuer) errors.push(required(`${at}.issuer`))
  if ([keys, keysService, keysUrl].filter(k => k !== undefined).length !== 1)
    errors.push(required(at, 'exactly one of keys, keysService and keysUrl'))
  if (keys !== undefined && !isKeySet(keys)) errors.push(invalid(`${at}.keys`, keys, 'must be a JSON Web Key Set'))
  if (keysUrl !== undefined && !/^https:\/\/[^/@\s]+(\/\S*)?$/.test(keysUrl))
    errors.push(invalid(`${at}.keysUrl`, keysUrl, 'must be an https address'))
  if (keysService) errors.push(...checkService(`${at}.keysService`, keysService))
  for (const name of Object.keys(claimHeaders)) errors.push(...checkToken(`${at}.claimHeaders`, name))
  return errors
}

function isKeySet(text: string): boolean {
  try {
    return Array.isArray(JSON.parse(text).keys)
  } catch {
    return false
  }
}

function checkRetry(at: string, { attempts, statuses = [] }: RoutePolicyRetry): FieldError[] {
  return [
    ...checkRange(`${at}.attempts`, attempts, 1, 10),
    ...statuses.flatMap((status, i) => checkRange(`${at}.statuses[${i}]`, status, 500, 599)),
  ]
}

function checkTimeouts(at: string, { request, backend }: RoutePolicyTimeouts): FieldError[] {
  return Object.entries({ request, backend }).flatMap(([field, value]) => {
    if (value === undefined) return []
    const ms = parseGoDuration(value)
    return ms && ms >= 1 && ms <= 86_400_000
      ? []
      : [invalid(`${at}.${field}`, value, 'must be a duration from 1ms to 24h, such as 30s')]
  })
}

function checkService(at: string, service: RoutePolicyService | undefined): FieldError[] {
  if (!service?.name) return [required(`${at}.name`)]
  const wrong = isDns1123Subdomain(service.name).map(message => invalid(`${at}.name`, service.name, message))
  return [...wrong, ...checkPort(`${at}.port`, service.port), ...checkPath(`${at}.path`, service.path)]
}

function checkToken(at: string, name: string | undefined): FieldError[] {
  if (!name) return [required(at)]
  return token.test(name) ? [] : [invalid(at, name, 'must be a name of letters, digits and some signs, such as X-User')]
}

function checkPath(at: string, path: string | undefined): FieldError[] {
  if (path === undefined || /^\/[!-~]*$/.test(path)) return []
  return [invalid(at, path, 'must be an absolute path')]
}

function checkRange(at: string, value: number | undefined, least: number, most: number): FieldError[] {
  if (value === undefined || (value >= least && value <= most)) return []
  return [invalid(at, value, `must be between ${least} and ${most}`)]
}
