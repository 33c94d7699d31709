import { explain } from '../../../base/errors.ts'
import { ApiError, badRequest } from '../../../models/api-error.ts'
import { CallFailed } from '../../outgoing/call-failed.ts'
import type { Admission } from '../chain.ts'
import type { Hook } from './hook.ts'
import { denial, InvalidResponse, readResponse, type Verdict } from './response.ts'
import { encodeReview, type Shown } from './review.ts'

/**
 * Asks one webhook.
 * @returns what it wants changed, if anything; undefined also when it could not be asked and fails open
 * @throws ApiError when it refuses, or could not be asked and fails closed
 */
export async function askHook(hook: Hook, admission: Admission, shown: Shown, mutating: boolean): Promise<unknown> {
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
    if (hook.failOpen) return undefined
    throw new ApiError('InternalError', `Internal error occurred: ${why}`, {
      details: { causes: [{ message: why }] },
      cause: error,
    })
  }
  admission.warnings.push(...verdict.warnings)
  noteAnnotations(hook, admission, verdict)
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

/** Where an audit log would have them; until there is one, the server's own. */
function noteAnnotations(hook: Hook, { core, name, namespace }: Admission, { auditAnnotations }: Verdict): void {
  for (const [key, value] of Object.entries(auditAnnotations))
    core.log.info({ annotation: `${hook.name}/${key}`, value, namespace, name }, 'audit annotation of a webhook')
}
