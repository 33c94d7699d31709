import type { ApiReply } from '../models/rest.ts'
import type { ServiceAccountTokens } from './authn/service-account-tokens.ts'
import type { Call } from './core.ts'
import type { Discovery } from './discovery/discovery.ts'
import { shownGroups } from './discovery/shown-groups.ts'
import type { Docs } from './docs/docs.ts'
import { type HealthChecks, healthReply } from './health/health.ts'
import { versionInfo } from './health/version.ts'
import type { Metrics } from './metrics/metrics.ts'
import type { OpenApi } from './openapi/openapi.ts'
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

const publicForAnHour = { 'cache-control': 'public, max-age=3600' }

/** Of these Kubernetes says that they are there, but not for this. */
const onlyRead = /^\/(api|api\/v1|apis\/[^/]+\/[^/]+|version|openid\/v1\/jwks|\.well-known\/openid-configuration)\/?$/

/** Everything that is not of a resource. */
export function otherPaths(parts: OtherParts): (call: Call) => Promise<ApiReply | undefined> {
  return async call => {
    const { path } = call.info
    const name = `${call.request.method} ${path}`
    if (Object.hasOwn(parts.more, name)) return parts.more[name]!(call)
    if (call.request.method !== 'GET' && call.request.method !== 'HEAD') {
      if (onlyRead.test(path)) throw notAllowed()
      return undefined
    }
    switch (path) {
      case '/optiflow/unreadable':
        return listUnreadable(call)
      case '/version':
      case '/version/':
        return jsonReply(200, versionInfo)
      case '/metrics':
        return textReply(200, await parts.metrics.text(), parts.metrics.registry.contentType)
      case '/metrics/slis':
        return textReply(200, await parts.metrics.health.text(parts.checks), parts.metrics.health.contentType)
      case '/':
        return jsonReply(200, { paths: rootPaths(call) })
      case '/.well-known/openid-configuration':
      case '/.well-known/openid-configuration/':
        return parts.tokens && jsonReply(200, parts.tokens.discovery(), publicForAnHour)
      case '/openid/v1/jwks':
      case '/openid/v1/jwks/': {
        if (!parts.tokens) return undefined
        const reply = jsonReply(200, await parts.tokens.jwks(), publicForAnHour)
        reply.headers['content-type'] = 'application/jwk-set+json'
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

function rootPaths(call: Call): string[] {
  const paths = [
    '/.well-known/openid-configuration',
    '/api',
    '/apis',
    '/docs',
    '/healthz',
    '/livez',
    '/metrics',
    '/metrics/slis',
    '/openapi/v2',
    '/openapi/v3',
    '/openid/v1/jwks',
    '/readyz',
    '/version',
  ]
  for (const { group, versions } of shownGroups(call.core)) {
    if (group) paths.push(`/apis/${group}`)
    for (const { version } of versions) paths.push(group ? `/apis/${group}/${version}` : `/api/${version}`)
  }
  return paths.sort()
}
