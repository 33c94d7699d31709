import { explain } from '../../../base/errors.ts'
import { ApiError, badRequest } from '../../../models/api-error.ts'
import { CallFailed } from '../../outgoing/call-failed.ts'
import { type Destination, destinationTarget } from '../../outgoing/destination.ts'
import type { PostOptions } from '../../outgoing/outgoing-calls.ts'
import type { Admission } from '../chain.ts'
import type { Hook } from './hook.ts'
import { authorizationOf, credentialsFor, type HookCredentials } from './hook-credentials.ts'
import { denial, InvalidResponse, readResponse, type Verdict } from './response.ts'
import { encodeReview, type Shown } from './review.ts'
import type { Asked, WebhookMetrics } from './webhook-metrics.ts'

/** The same for all webhooks of a kind. */
export type AskingWay = Pick<Asking, 'metrics' | 'credentials'>

export interface Asking {
  admission: Admission
  shown: Shown
  type: 'admit' | 'validating'
  /** Which of them this is, for the audit event: `round_0_index_2`. */
  place: string
  metrics: WebhookMetrics
  /** What we show to webhooks. */
  credentials: HookCredentials | undefined
}

/**
 * Asks one webhook.
 * @returns what it wants changed, if anything; undefined also when it could not be asked and fails open
 * @throws ApiError when it refuses, or could not be asked and fails closed
 */
export async function askHook(hook: Hook, asking: Asking): Promise<string | undefined> {
  const { admission } = asking
  if (admission.dryRun && !hook.dryRun)
    throw badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`)
  const startedMs = admission.core.clock.monotonicMs()
  let verdict: Verdict
  try {
    verdict = await call(hook, asking)
  } catch (error) {
    const code = error instanceof CallFailed ? (error.status ?? 0) : 0
    note(hook, asking, startedMs, { code, rejected: !hook.failOpen, failed: true })
    return goOnWithout(hook, asking, error)
  }
  const refusal = verdict.allowed ? undefined : denial(hook.name, verdict.status)
  note(hook, asking, startedMs, { code: refusal?.code ?? 200, rejected: !verdict.allowed, failed: false })
  admission.warnings.push(...verdict.warnings)
  for (const [key, value] of Object.entries(verdict.auditAnnotations))
    admission.core.annotate(`${hook.name}/${key}`, String(value))
  if (refusal) throw refusal
  return verdict.patch
}

/** @throws ApiError unless it fails open */
function goOnWithout(hook: Hook, { admission: { core }, type, place }: Asking, error: unknown): undefined {
  const why = failure(hook, error)
  core.log.warn({ configuration: hook.configuration, failOpen: hook.failOpen, error: why }, 'webhook failed')
  if (!hook.failOpen)
    throw new ApiError('InternalError', `Internal error occurred: ${why}`, {
      details: { causes: [{ message: why }] },
      cause: error,
    })
  const phase = type === 'admit' ? 'mutation' : 'validating'
  core.annotate(`failed-open.${phase}.webhook.admission.k8s.io/${place}`, hook.name)
  return undefined
}

function note(
  { name }: Hook,
  { admission, type, metrics }: Asking,
  startedMs: number,
  result: Pick<Asked, 'code' | 'rejected' | 'failed'>,
): void {
  const seconds = (admission.core.clock.monotonicMs() - startedMs) / 1000
  metrics.observe({ name, type, operation: admission.operation, seconds, ...result })
}

async function call(hook: Hook, { admission, shown, type, credentials }: Asking): Promise<Verdict> {
  const { core } = admission
  const uid = core.random.uuid()
  const { destination, reviewVersion } = hook
  const leftMs = core.deadlineMs === undefined ? hook.timeoutMs : core.deadlineMs - core.clock.monotonicMs()
  // Who asked waits no longer than that; never none at all, which would mean without end.
  const timeoutMs = Math.max(Math.min(hook.timeoutMs, leftMs), 1)
  const review = await core.outgoing.post(destination, encodeReview(admission, shown, uid, reviewVersion), {
    timeoutMs,
    ...shownTo(destination, credentials),
  })
  return readResponse(review, uid, reviewVersion, type === 'admit')
}

function shownTo(destination: Destination, all: HookCredentials | undefined): Partial<PostOptions> {
  const credentials = all && credentialsFor(all, destinationTarget(destination))
  if (!credentials) return {}
  const { cert, key } = credentials
  return { authorization: authorizationOf(credentials), identity: cert && key ? { cert, key } : undefined }
}

function failure(hook: Hook, error: unknown): string {
  const prefix = `failed calling webhook ${JSON.stringify(hook.name)}`
  if (error instanceof InvalidResponse) return `${prefix}: received invalid webhook response: ${error.message}`
  if (error instanceof CallFailed) return `${prefix}: failed to call webhook: ${error.message}`
  return `${prefix}: ${explain(error)}`
}
