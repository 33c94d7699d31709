import { inKeyOrder } from '../../../base/equality.ts'
import { ApiError } from '../../../models/api-error.ts'
import { MutatingWebhookConfiguration } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import { applyJsonPatch, JsonPatchFailed } from '../../../models/patch/index.ts'
import type { Authorizer } from '../../authz/authorizer.ts'
import type { Admission, AdmissionPlugin } from '../chain.ts'
import { isExempt } from '../matching/matcher.ts'
import { AskedOnce } from '../policies/authorizer.ts'
import { replaceObject } from '../replace-object.ts'
import { SecondTurns, type Turns } from '../second-turn.ts'
import { type AskingWay, askHook } from './ask.ts'
import type { Hook } from './hook.ts'
import { HookSource } from './hook-source.ts'
import { concerns } from './relevant.ts'
import type { Shown } from './review.ts'
import { ShownObjects } from './shown.ts'

/** One after the other, by name of configuration; each sees what those before it have changed. */
export function mutatingWebhooks(authorizer: Authorizer, way: AskingWay): AdmissionPlugin {
  const source = new HookSource(MutatingWebhookConfiguration)
  const turns = new SecondTurns<Hook>()
  return {
    name: 'MutatingAdmissionWebhook',
    asksOthers: true,
    settlesDefaults: true,
    handles: resource => !isExempt(resource),
    mutate(admission) {
      const hooks = source.hooks(admission.core)
      if (hooks.length === 0 || !hooks.some(hook => hook.matcher.mayMatch(admission))) return undefined
      return askAll(hooks, admission, turns.of(admission), authorizer, way)
    },
  }
}

async function askAll(
  hooks: readonly Hook[],
  admission: Admission,
  turns: Turns<Hook>,
  authorizer: Authorizer,
  way: AskingWay,
): Promise<void> {
  const asked = new AskedOnce(authorizer, admission)
  turns.begin()
  for (const [i, hook] of hooks.entries()) {
    if (!turns.isOf(hook)) continue
    const shownObjects = new ShownObjects(admission, true)
    const resource = await concerns(hook, admission, shownObjects, asked)
    if (!resource) continue
    const shown = await shownObjects.in(resource)
    const place = `round_${admission.turn ?? 0}_index_${i}`
    const patch = await askHook(hook, { admission, shown, type: 'admit', place, ...way })
    const operations = patch ? operationsOf(patch) : []
    const mutated = operations.length > 0 && (await change(hook, admission, shown, operations))
    noteMutation(hook, admission, mutated, place)
    if (operations.length) notePatch(hook, admission, operations, place)
    if (mutated) turns.changed()
    if (hook.reinvoke) turns.wantsMore(hook)
  }
  turns.end()
}

function noteMutation({ configuration, name }: Hook, { core }: Admission, mutated: boolean, place: string): void {
  const value = JSON.stringify({ configuration, webhook: name, mutated })
  core.annotate(`mutation.webhook.admission.k8s.io/${place}`, value)
}

/** Where requests' objects are recorded, what was done to them is too. */
function notePatch({ configuration, name }: Hook, { core }: Admission, operations: unknown[], place: string): void {
  const patch = operations.map(inKeyOrder)
  const value = JSON.stringify({ configuration, webhook: name, patch, patchType: 'JSONPatch' })
  core.annotate(`patch.webhook.admission.k8s.io/${place}`, value, 'Request')
}

/** A patch that is none is refused whatever the failure policy says. @throws ApiError InternalError */
function operationsOf(patch: string): unknown[] {
  let value: unknown
  try {
    value = JSON.parse(patch)
  } catch (error) {
    throw internal((error as Error).message)
  }
  if (Array.isArray(value) || value === null) return value ?? []
  throw internal(`json: cannot unmarshal ${typeof value} into Go value of type jsonpatch.Patch`)
}

/** @returns whether anything is different now */
async function change(hook: Hook, admission: Admission, shown: Shown, patch: unknown[]): Promise<boolean> {
  const { object } = admission
  if (!object || !shown.object)
    throw internal(
      `admission webhook ${JSON.stringify(hook.name)} attempted to modify the object, which is not supported for this operation`,
    )
  let patched: AnyObject
  try {
    patched = applyJsonPatch(shown.object, patch) as AnyObject
  } catch (error) {
    if (!(error instanceof JsonPatchFailed)) throw error
    throw internal(error.message)
  }
  // Fields that there are not are left out without a word.
  return replaceObject(admission, shown.resource, patched, 'Ignore')
}

function internal(why: string): ApiError {
  return new ApiError('InternalError', `Internal error occurred: ${why}`, { details: { causes: [{ message: why }] } })
}
