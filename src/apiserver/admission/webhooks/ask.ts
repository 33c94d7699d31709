import { explain } from '../../../base/errors.ts'
import { ApiError, badRequest } from '../../../models/api-error.ts'
import { CallFailed } from '../../outgoing/call-failed.ts'
import type { Admission } from '../chain.ts'
import type { Hook } from './hook.ts'
import { denial, InvalidResponse, readResponse, type Verdict } from './response.ts'
import { encodeReview, type Shown } from './review.ts'

/**
 * Asks one webhook.
 * @param place which of them this is, for the audit event: `round_0_index_2`
 * @returns what it wants changed, if anything; undefined also when it could not be asked and fails open
 * @throws ApiError when it refuses, or could not be asked and fails closed
 */
export async function askHook(
  hook: Hook,
  admission: Admission,
  shown: Shown,
  mutating: boolean,
  place: string,
): Promise<unknown> {
  if (admission.dryRun && !hook.dryRun)
    throw badRequest(`admission webhook ${JSON.stringify(hook.name)} does not support dry run`)
  let verdict: Verdict
  try {
    verdict = await call(hook, admission, shown, mutating)
  } catch (error) {
    const why = failure(hook, error)
    admission.core.log.warn(
      { configuration: hook.configuration, failOpen: hook.failOpen, error: why },
      'webhook failed',
    )
    if (hook.failOpen) {
      const phase = mutating ? 'mutation' : 'validating'
      admission.core.annotate(`failed-open.${phase}.webhook.admission.k8s.io/${place}`, hook.name)
      return undefined
    }
    throw new ApiError('InternalError', `Internal error occurred: ${why}`, {
      details: { causes: [{ message: why }] },
      cause: error,
    })
  }
  admission.warnings.push(...verdict.warnings)
  for (const [key, value] of Object.entries(verdict.auditAnnotations))
    admission.core.annotate(`${hook.name}/${key}`, String(value))
  if (!verdict.allowed) throw denial(hook.name, verdict.status)
  return verdict.patch
}

async function call(hook: Hook, admission: Admission, shown: Shown, mutating: boolean): Promise<Verdict> {
  const { core } = admission
  const uid = core.random.uuid()
  const { destination, timeoutMs, reviewVersion } = hook
  const review = await core.outgoing.post(destination, encodeReview(admission, shown, uid, reviewVersion), {
    timeoutMs,
  })
  return readResponse(review, uid, reviewVersion, mutating)
}

function failure(hook: Hook, error: unknown): string {
  const prefix = `failed calling webhook ${JSON.stringify(hook.name)}`
  if (error instanceof InvalidResponse) return `${prefix}: received invalid webhook response: ${error.message}`
  if (error instanceof CallFailed) return `${prefix}: failed to call webhook: ${error.message}`
  return `${prefix}: ${explain(error)}`
}
