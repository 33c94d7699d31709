import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import type { Random } from '../../base/random.ts'
import type { Store } from '../../db/store.ts'
import type { Kind } from '../../models/kind.ts'
import type { UserInfo } from '../../models/rest.ts'
import type { AdmissionPlugin } from '../admission/chain.ts'
import type { EventLimit } from '../admission/event-rate-limit.ts'
import type { PodSecurityOptions } from '../admission/pod-security/pod-security.ts'
import type { LimitedResource } from '../admission/resource-quota.ts'
import type { HookCredentials } from '../admission/webhooks/hook-credentials.ts'
import type { AuditOptions } from '../audit/auditor.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import type { JwtIssuer } from '../authn/jwt-tokens.ts'
import type { OidcOptions } from '../authn/oidc-tokens.ts'
import type { TokenKeys } from '../authn/service-account-tokens.ts'
import type { AuthorizerChoice } from '../authz/authorization-configuration.ts'
import type { Authorizer } from '../authz/authorizer.ts'
import type { EventRetention } from '../events/event-keeper.ts'
import type { HealthChecks } from '../health/health.ts'
import type { NodeDialer } from '../nodes/node-dialer.ts'
import type { OtherPathHandler } from '../other-paths.ts'

export interface ApiServerOptions {
  store: Store
  /** Other servers write to the same store. */
  shared?: boolean
  clock?: Clock
  random?: Random
  /** How webhooks, extension servers and proxied pods are reached. */
  net?: Net
  log?: Logger
  /** All built-in kinds unless given. */
  kinds?: Iterable<Kind<any>>
  /** Bearer tokens that are good for ever, and whose they are. */
  tokens?: Record<string, UserInfo>
  /** An OpenID Connect issuer whose tokens are believed too. */
  oidc?: OidcOptions
  /** More issuers, and what their tokens say of a user. */
  issuers?: JwtIssuer[]
  /** The only paths where those may come whom nobody knows; none: nowhere. Everywhere unless given. */
  strangersAt?: string[]
  /** PEM of the authority of users' certificates, told to extension servers. */
  clientCa?: string
  /** What is recorded of requests, and where; nothing unless given. */
  audit?: AuditOptions
  /** Whom users' requests may be passed on by, and as whom we pass on theirs to extension servers. */
  frontProxy?: FrontProxyOptions
  /** More ways to tell who asks; after certificates and tokens. */
  authenticators?: Authenticator[]
  /** Who is asked what somebody may do, in this order, after masters; Node and RBAC unless given. */
  authorization?: AuthorizerChoice[]
  /** After those. */
  authorizers?: Authorizer[]
  /** After the built-in ones. */
  admission?: AdmissionPlugin[]
  /** False: discovery one group at a time only, as before Kubernetes 1.26. */
  aggregatedDiscovery?: boolean
  /** Names of built-in admission plugins to leave out: `ServiceAccount`. */
  withoutAdmission?: string[]
  /** Requests that are worked on at once, watches that run and the exempt not counted; 600 unless said otherwise. */
  seats?: number
  /** Levels for namespaces without labels, and exemptions; unless given, no namespace is limited but by its labels. */
  podSecurity?: PodSecurityOptions
  /** What may be used only where a ResourceQuota covers it. */
  limitedResources?: LimitedResource[]
  /** How many Events may be written; as many as there are unless given. */
  eventLimits?: EventLimit[]
  /** What we show to webhooks. */
  webhookCredentials?: { mutating?: HookCredentials; validating?: HookCredentials }
  /** Signs and checks the tokens of service accounts; without it none are issued. */
  tokenKeys?: TokenKeys
  /** Who issues those tokens: the first signs, of all they are believed; https://kubernetes.default.svc unless said otherwise. */
  tokenIssuers?: string[]
  /** Where their keys are read, for who looks them up; below the first issuer unless said otherwise. */
  tokenKeysUrl?: string
  /** For whom tokens must be that are good here; the issuers unless said otherwise. */
  apiAudiences?: string[]
  /** Addresses of Services; 10.96.0.0/16 unless said otherwise. The first is that of the API itself. */
  serviceCidr?: string
  /** Both ends included; 30000–32767 unless said otherwise. */
  nodePorts?: { first: number; last: number }
  /** How long Events are kept, and how many. */
  events?: EventRetention
  /** How the agents of nodes are asked for logs and streams; without it those are not served. */
  nodes?: NodeDialer
  /** Changes of each resource that are kept in memory for watches that resume; 4,096 unless said otherwise. Older ones are read from the store. */
  watchCacheSize?: number
  /** A watch whose client names no time lasts this long to twice as long; half an hour unless said otherwise. */
  minWatchMs?: number
  /** More paths, by method and path: `GET /optiflow/backup`. */
  more?: Record<string, OtherPathHandler>
  /** More things that /livez and /readyz look at. */
  health?: Partial<HealthChecks>
}

export interface FrontProxyOptions {
  /** PEM of the authority that signs proxies, and nothing else. */
  ca: string
  /** Common names that they may have; none: any. */
  allowedNames: string[]
  /** What we show to extension servers; PEM. */
  identity?: { cert: string; key: string }
}

/** What comes in from outside, given or the system's own. */
export interface Outside {
  clock: Clock
  random: Random
  net: Net
  log: Logger
}
