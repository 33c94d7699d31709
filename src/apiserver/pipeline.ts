import { explain, isAbort } from '../base/errors.ts'
import { parseFieldSelector } from '../base/field-selector.ts'
import { flag } from '../base/query-flag.ts'
import { type Author, StoreFailed, StoreFull } from '../db/store.ts'
import { ApiError } from '../models/api-error.ts'
import { goQuote } from '../models/field-error.ts'
import { Lease } from '../models/kinds/index.ts'
import type { ApiHandler, ApiReply, ApiRequest, UserInfo } from '../models/rest.ts'
import type { Aggregation } from './aggregation/aggregation.ts'
import type { Auditor, AuditTrail } from './audit/auditor.ts'
import { type Authenticator, anonymous } from './authn/authenticator.ts'
import { impersonated, NobodyImpersonated, wantsImpersonation } from './authn/impersonation.ts'
import { type Attributes, type AuthorizerChain, type Decision, mayNot } from './authz/authorizer.ts'
import { catalogReply } from './catalog/catalog.ts'
import type { Call, Core, ResourceCall } from './core.ts'
import { type Control, controlled, runsLong } from './flow-control/controlled.ts'
import { requestTimeoutMs, TimeIsOver } from './flow-control/deadlines.ts'
import type { Flow } from './flow-control/flow-control.ts'
import type { Metrics } from './metrics/metrics.ts'
import { finishReply } from './replies/finish.ts'
import { bareReply, errorReply, noSuchPath, textReply } from './replies/reply.ts'
import { parseRequest, type RequestInfo } from './request-info.ts'
import type { Resource } from './resources.ts'
import { resourceHandler } from './routes.ts'
import { fenceHeader, parseFence } from './storage/fence.ts'
import { ClaimMoved, ClaimTaken } from './storage/object-store.ts'
import { viewReply } from './subresources/view.ts'
import type { FreshReads } from './watch-cache/fresh-reads.ts'

export interface PipelineParts {
  core: Core
  authenticators: Authenticator[]
  authorizer: AuthorizerChain
  metrics: Metrics
  /** Records who asks for what; undefined: nobody does. */
  auditor: Auditor | undefined
  /** What other servers answer. */
  aggregation: Aggregation
  control: Control
  /** Paths that are not of a resource. Undefined: no such path. */
  others: (call: Call) => Promise<ApiReply | undefined>
}

/** Everything a request goes through; whatever happens, the result is a reply. */
export function createHandler(parts: PipelineParts): ApiHandler {
  return async request => {
    const started = parts.core.clock.monotonicMs()
    const auditId = auditIdOf(parts.core, request)
    const warnings: string[] = []
    let reply: ApiReply
    let label = ''
    let info: RequestInfo | undefined
    const done = parts.metrics.requests.begin(request.method)
    let flow: Flow | undefined
    let trail: AuditTrail | undefined
    let [askedMs, begunMs] = [started, 0]
    let tooLong = false
    try {
      info = parseRequest(request.url)
      const verb = verbOf(request, info)
      label = verb
      const asked = { verb, path: info.path, ...attributesOf(info, verb) }
      const answer = authenticate(parts, request, auditId, asked, warnings)
      const known = answer instanceof Promise ? await answer : answer
      if (!request.user) parts.metrics.access.identified(known, parts.core.clock.monotonicMs() - started)
      trail = parts.auditor?.begin(request, auditId, { user: known, ...asked })
      const user = wantsImpersonation(request) ? await impersonated(request, known, parts.authorizer) : known
      if (user !== known) trail?.impersonated(user)
      const attributes: Attributes = { user, ...asked }
      const long = runsLong(verb, info)
      const deadlineMs = long || reads(request) ? undefined : started + requestTimeoutMs(info.query)
      const core = coreFor(parts.core, request, { user: user.username, request: auditId }, trail, deadlineMs)
      const call: Call = { core, request, info, user, auditId, warnings }
      const decided = (decision: Decision): Promise<ApiReply> => {
        parts.metrics.access.decided(decision, parts.core.clock.monotonicMs() - begunMs)
        note(decision, trail)
        if (!decision.allowed) return Promise.resolve(refusedReply(request, attributes, decision))
        const serve = () =>
          parts.aggregation.reply(call) ?? (call.info.resource ? serveResource(call, verb) : serveOther(parts, call))
        return request.receive ? request.receive().then(serve) : serve()
      }
      const work = () => {
        begunMs = parts.core.clock.monotonicMs()
        const answer = parts.authorizer.authorize(attributes)
        return answer instanceof Promise ? answer.then(decided) : decided(answer)
      }
      askedMs = parts.core.clock.monotonicMs()
      flow = long ? undefined : parts.control.flowControl.classify(attributes)
      reply = await (long ? work() : controlled(parts.control, flow, request, attributes, info, work))
    } catch (error) {
      tooLong = error instanceof TimeIsOver
      reply = replyTo(parts, request, error)
    }
    trail?.answered(reply)
    if (trail) await parts.auditor?.recorded()
    const finishing = finishReply(request, reply, auditId, warnings, flow)
    if (finishing) await finishing
    done()
    const now = parts.core.clock.monotonicMs()
    parts.metrics.requests.observe({
      ...{ info, verb: label, reply, ms: now - started },
      bodyBytes: request.body?.length ?? 0,
      waitedMs: flow ? (begunMs || now) - askedMs : 0,
      givenUp: tooLong || (flow !== undefined && begunMs === 0 && reply.status === 429),
    })
    return reply
  }
}

/** The client's own name for the request, if it gave one. */
function auditIdOf({ random }: Core, request: ApiRequest): string {
  const given = request.headers['audit-id']
  return given && /^[\x21-\x7e]{1,64}$/.test(given) ? given : random.uuid()
}

/** What writes does so in the name of its user, and a leader only within its term. */
function coreFor(
  plain: Core,
  request: ApiRequest,
  author: Author,
  trail: AuditTrail | undefined,
  deadlineMs: number | undefined,
): Core {
  const core: Core = trail ? { ...plain, annotate: (key, value, level) => trail.annotate(key, value, level) } : plain
  if (reads(request)) return core
  const text = request.headers[fenceHeader]
  const fence = text === undefined ? {} : { fence: { fence: parseFence(text), leases: core.resources.of(Lease) } }
  return {
    ...core,
    objects: core.objects.of({ author, ...fence }),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  }
}

const reads = ({ method }: ApiRequest): boolean => method === 'GET' || method === 'HEAD'

function serveResource(call: Call, verb: string): Promise<ApiReply> {
  const path = call.info.resource!
  const resource = call.core.resources.find(path.group, path.version, path.plural)
  if (!resource) return serveView(call, verb)
  // A namespaced path of a cluster-wide kind, or an object of a namespaced kind without its namespace, is no path at all.
  if (!resource.namespaced && path.namespace !== undefined && path.plural !== 'namespaces') throw noSuchPath()
  if (resource.namespaced && path.namespace === undefined && (path.name !== undefined || isNowhere(resource, verb)))
    throw noSuchPath()
  const resourceCall: ResourceCall = { ...call, path, resource }
  // Who asks for what is not served of a kind of ours hears nothing else.
  if (resource.kind.custom) warnDeprecated(resourceCall)
  const handler = resourceHandler(resourceCall, verb)
  if (!resource.kind.custom) warnDeprecated(resourceCall)
  if (!call.core.fresh || asksForRevision(call.info.query)) return handler(resourceCall)
  return freshen(call.core.fresh).then(() => handler(resourceCall))
}

async function serveOther({ others }: PipelineParts, call: Call): Promise<ApiReply> {
  return (await others(call)) ?? (belowRoot(call) ? errorReply(noSuchPath()) : noSuchPage())
}

function warnDeprecated({ resource, path, warnings, core }: ResourceCall): void {
  const { kind } = resource
  if (!kind.deprecation) return
  core.reads.usedDeprecated(resource, path.subresource)
  warnings.push(kind.deprecation)
  core.annotate('k8s.io/deprecated', 'true')
}

async function serveView(call: Call, verb: string): Promise<ApiReply> {
  const view = (await viewReply(call, call.core.views, verb)) ?? catalogReply(call, verb)
  if (view) return view
  if (belowRoot(call)) throw noSuchPath()
  return noSuchPage()
}

/** Whether the path is below one that is served: there a Status says what is not found, elsewhere a line of text. */
function belowRoot({ core, info: { path } }: Call): boolean {
  const [, root, group] = path.split('/')
  if (root === 'apis')
    return core.resources.groups().some(g => g.group !== '' && g.group === group && g.versions.some(isBuiltIn))
  return root === 'api' || root === 'version'
}

/** What only definitions have added has no pages of its own. */
const isBuiltIn = ({ resources }: { resources: Resource[] }): boolean => resources.some(r => !r.kind.custom)

const noSuchPage = (): ApiReply => textReply(404, '404 page not found\n')

/** Kubernetes' own kinds refuse the method there; what is not read of all namespaces at once is no path of a custom one. */
const isNowhere = ({ kind }: Resource, verb: string): boolean =>
  kind.custom !== undefined && verb !== 'list' && verb !== 'watch'

/** Reads and watches that say from which revision on need no newer state. */
function asksForRevision(query: URLSearchParams): boolean {
  return query.has('resourceVersion') || query.has('continue') || query.has('asOf') || query.has('history')
}

async function freshen(fresh: FreshReads): Promise<void> {
  if (await fresh.reached()) return
  throw new ApiError('Timeout', 'this server does not get the newest state from the store; ask another or try again', {
    details: { retryAfterSeconds: 1 },
  })
}

type Refused = Decision & { allowed: false }

type Asked = Omit<Attributes, 'user'>

/** @throws ApiError Unauthorized, also later */
function authenticate(
  parts: PipelineParts,
  request: ApiRequest,
  auditId: string,
  asked: Asked,
  warnings: string[],
): UserInfo | Promise<UserInfo> {
  const { clock } = parts.core
  const came = clock.monotonicMs()
  const refuse = (error: unknown): never => {
    const nobody = { username: '', groups: [] }
    parts.metrics.access.identified(undefined, clock.monotonicMs() - came)
    if (error instanceof ApiError && error.code === 401)
      parts.auditor?.begin(request, auditId, { user: nobody, ...asked })?.refused(error.message)
    throw error
  }
  try {
    const user = request.user ?? identify(parts.authenticators, request, warnings)
    return user instanceof Promise ? user.catch(refuse) : user
  } catch (error) {
    return refuse(error)
  }
}

/** Most authenticators know at once: nothing is waited for unless one has to ask. */
function identify(
  authenticators: readonly Authenticator[],
  request: ApiRequest,
  warnings: string[],
): UserInfo | Promise<UserInfo> {
  for (const [i, authenticator] of authenticators.entries()) {
    const user = authenticator.authenticate(request, warnings)
    if (user instanceof Promise)
      return user.then(found => found ?? identify(authenticators.slice(i + 1), request, warnings))
    if (user) return user
  }
  if (bearerToken(request.headers['authorization'])) throw new ApiError('Unauthorized', 'Unauthorized')
  return anonymous
}

/** Other schemes, and one that brings nothing, are as if nothing had been said. */
const bearerToken = (authorization: string | undefined): string | undefined =>
  /^\s*bearer ([^ ]+)/i.exec(authorization ?? '')?.[1]

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

function replyTo(parts: PipelineParts, request: ApiRequest, error: unknown): ApiReply {
  if (error instanceof NobodyImpersonated) return untoldReply(request, error.message)
  if (error instanceof TimeIsOver) return bareReply(error)
  return errorReply(asApiError(parts, request, error), request.headers['accept'])
}

/** Whether somebody may could not be found out. The address is shown as for a page, as kube-apiserver does. */
function untoldReply({ url }: ApiRequest, error: string): ApiReply {
  const shown = url.replace(/[&<>]/g, found => escapes[found]!)
  return textReply(500, `Internal Server Error: ${goQuote(shown)}: ${error}\n`)
}

function refusedReply(request: ApiRequest, attributes: Attributes, { error, reason }: Refused): ApiReply {
  if (error !== undefined) return untoldReply(request, error)
  const reply = errorReply(mayNot(attributes, reason), request.headers['accept'])
  reply.headers['x-content-type-options'] = 'nosniff'
  return reply
}

function note({ allowed, reason }: Decision, trail: AuditTrail | undefined): void {
  trail?.annotate('authorization.k8s.io/decision', allowed ? 'allow' : 'forbid')
  trail?.annotate('authorization.k8s.io/reason', reason)
}

function attributesOf(
  info: RequestInfo,
  verb: string,
): Pick<Attributes, 'resource' | 'fieldSelector' | 'labelSelector'> {
  const path = info.resource
  if (!path) return {}
  const fieldSelector = info.query.get('fieldSelector')
  const labelSelector = info.query.get('labelSelector')
  return {
    ...(fieldSelector ? { fieldSelector } : {}),
    ...(labelSelector ? { labelSelector } : {}),
    resource: {
      group: path.group,
      version: path.version,
      plural: path.plural,
      subresource: path.subresource ?? '',
      namespace: path.namespace ?? '',
      name: path.name ?? (verb === 'list' || verb === 'watch' ? selectedName(info) : ''),
    },
  }
}

/** Who lists or watches one object by its name asks for that object: a role that names it is enough. */
function selectedName({ query }: RequestInfo): string {
  const text = query.get('fieldSelector')
  if (!text?.includes('metadata.name')) return ''
  try {
    return parseFieldSelector(text).find(r => r.field === 'metadata.name' && r.operator === '=')?.value ?? ''
  } catch {
    // Refused when the selector is read.
    return ''
  }
}

/** The API's verb for what is asked; the method in lower case outside of resources. */
export function verbOf(request: ApiRequest, info: RequestInfo): string {
  const path = info.resource
  if (!path) return request.method.toLowerCase()
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      if (path.subresource === 'exec' || path.subresource === 'attach' || path.subresource === 'portforward')
        return 'create'
      if (path.name && !path.legacyWatch) return 'get'
      return path.legacyWatch || flag(info.query, 'watch') ? 'watch' : 'list'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return path.name ? 'delete' : 'deletecollection'
    default:
      // Of a resource there is no such verb.
      return ''
  }
}

function asApiError(parts: PipelineParts, request: ApiRequest, error: unknown): ApiError {
  if (error instanceof ApiError) return error
  if (isAbort(error)) return new ApiError('Timeout', 'the request was ended before it was done')
  if (error instanceof ClaimTaken || error instanceof ClaimMoved)
    return new ApiError(
      'ServerTimeout',
      `others take the same resources at the same time: ${error.message}; try again`,
      {
        details: { retryAfterSeconds: 1 },
        cause: error,
      },
    )
  const { log } = parts.core
  const where = { method: request.method, path: request.url.split('?', 1)[0], error: explain(error) }
  if (error instanceof StoreFull) {
    log.error(where, 'no room to write')
    return new ApiError('StoreUnavailable', `nothing can be written now: ${error.message}`, { cause: error })
  }
  if (error instanceof StoreFailed) {
    log.error(where, 'store failed')
    return new ApiError('ServerTimeout', `the store did not do it: ${error.message}`, {
      details: { retryAfterSeconds: 1 },
      cause: error,
    })
  }
  log.error({ ...where, stack: error instanceof Error ? error.stack : undefined }, 'request failed')
  return new ApiError(
    'InternalError',
    `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`,
    {
      cause: error,
    },
  )
}
