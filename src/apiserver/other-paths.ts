import type { ApiReply } from '../models/rest.ts'
import type { ServiceAccountTokens } from './authn/service-account-tokens.ts'
import type { Call } from './core.ts'
import type { Discovery } from './discovery/discovery.ts'
import { shownGroups } from './discovery/shown-groups.ts'
import type { Docs } from './docs/docs.ts'
import { type HealthChecks, healthPaths, healthReply } from './health/health.ts'
import { versionInfo } from './health/version.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { OpenApi } from './openapi/openapi.ts'
import { refuseForeign } from './replies/accept.ts'
import { jsonReply, notAllowed, textReply } from './replies/reply.ts'
import { listUnreadable } from './verbs/unreadable.ts'

/** Serves one path that is of no resource; whether the user may was asked before. */
export type OtherPathHandler = (call: Call) => Promise<ApiReply>

export interface OtherParts {
  discovery: Discovery
  openApi: OpenApi
  docs: Docs
  checks: HealthChecks
  metrics: Metrics
  tokens: ServiceAccountTokens | undefined
  /** By method and path: `GET /optiflow/backup`. */
  more: Record<string, OtherPathHandler>
}

const keySetType = 'application/jwk-set+json'
const publicForAnHour = { 'cache-control': 'public, max-age=3600' }

/** Of these Kubernetes says that they are there, but not for this. */
const onlyRead = /^\/(api|api\/v1|apis\/[^/]+\/[^/]+|version|openid\/v1\/jwks|\.well-known\/openid-configuration)\/?$/

/** Here kube-apiserver does not look at the method. */
const anyMethod = /^\/((healthz|livez|readyz|openapi)(\/.*)?|metrics\/slis|apis(\/[^/]+)?\/?)?$/

/** Everything that is not of a resource. */
export function otherPaths(parts: OtherParts): (call: Call) => Promise<ApiReply | undefined> {
  return async call => {
    const { path } = call.info
    const name = `${call.request.method} ${path}`
    if (Object.hasOwn(parts.more, name)) return parts.more[name]!(call)
    const { method } = call.request
    if (method !== 'GET') {
      if (onlyRead.test(path)) throw notAllowed()
      if (method !== 'HEAD' && !anyMethod.test(path)) return undefined
    }
    const accept = call.request.headers['accept']
    switch (path) {
      case '/optiflow/unreadable':
        return listUnreadable(call)
      case '/version':
      case '/version/':
        refuseForeign(accept, ['application/json'])
        return jsonReply(200, versionInfo)
      case '/metrics':
        return textReply(200, await parts.metrics.text(), parts.metrics.registry.contentType)
      case '/metrics/slis':
        return textReply(200, await parts.metrics.health.text(parts.checks), parts.metrics.health.contentType)
      case '/':
        return jsonReply(200, { paths: rootPaths(call, parts.checks) })
      case '/.well-known/openid-configuration':
      case '/.well-known/openid-configuration/':
        if (!parts.tokens) return undefined
        refuseForeign(accept, ['application/json'])
        return jsonReply(200, parts.tokens.discovery(), publicForAnHour)
      case '/openid/v1/jwks':
      case '/openid/v1/jwks/': {
        if (!parts.tokens) return undefined
        refuseForeign(accept, [keySetType])
        const reply = jsonReply(200, await parts.tokens.jwks(), publicForAnHour)
        reply.headers['content-type'] = keySetType
        return reply
      }
    }
    return (
      (await healthReply(call, parts.checks)) ??
      parts.discovery.reply(call) ??
      (await parts.openApi.reply(call)) ??
      parts.docs.reply(call)
    )
  }
}

function rootPaths(call: Call, checks: HealthChecks): string[] {
  const paths = [
    ...['/.well-known/openid-configuration', '/api', '/apis', '/apis/', '/docs', '/metrics', '/metrics/slis'],
    ...['/openapi/v2', '/openapi/v3', '/openapi/v3/', '/openid/v1/jwks', '/version', ...healthPaths(checks)],
  ]
  for (const { group, versions } of shownGroups(call.core)) {
    if (group) paths.push(`/apis/${group}`)
    for (const { version } of versions) paths.push(group ? `/apis/${group}/${version}` : `/api/${version}`)
  }
  return paths.sort()
}
