import { ApiError, badRequest } from '../../../models/api-error.ts'
import { MutatingWebhookConfiguration } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import { applyJsonPatch, JsonPatchFailed } from '../../../models/patch/index.ts'
import type { Authorizer } from '../../authz/authorizer.ts'
import { applyDefaults, decodeValue } from '../../model-engine.ts'
import { same } from '../../objects/same.ts'
import { replaceContents } from '../../objects/update-object.ts'
import type { Resource } from '../../resources.ts'
import { convertObject } from '../../storage/conversion.ts'
import type { Admission, AdmissionPlugin } from '../chain.ts'
import { isExempt } from '../matching/matcher.ts'
import { AskedOnce } from '../policies/authorizer.ts'
import { isForeign } from '../policies/request.ts'
import { askHook } from './ask.ts'
import type { Hook } from './hook.ts'
import { HookSource } from './hook-source.ts'
import { concerns } from './relevant.ts'
import type { Shown } from './review.ts'
import { ShownObjects } from './shown.ts'

/** Whom a change that comes after them concerns. */
interface Turns {
  /** Asked already, and want to see later changes. */
  asked: Set<Hook>
  /** Of those, the ones after whom something changed. */
  again: Set<Hook>
  /** As the last of them left it. */
  left: AnyObject | undefined
}

/** One after the other, by name of configuration; each sees what those before it have changed. */
export function mutatingWebhooks(authorizer: Authorizer): AdmissionPlugin {
  const source = new HookSource(MutatingWebhookConfiguration)
  const turns = new WeakMap<Admission, Turns>()
  return {
    name: 'MutatingAdmissionWebhook',
    settlesDefaults: true,
    handles: resource => !isExempt(resource),
    mutate(admission) {
      const hooks = source.hooks(admission.core)
      if (hooks.length === 0 || !hooks.some(hook => hook.matcher.mayMatch(admission))) return undefined
      let turn = turns.get(admission)
      if (!turn) turns.set(admission, (turn = { asked: new Set(), again: new Set(), left: undefined }))
      return askAll(hooks, admission, turn, authorizer)
    },
  }
}

async function askAll(
  hooks: readonly Hook[],
  admission: Admission,
  turn: Turns,
  authorizer: Authorizer,
): Promise<void> {
  const second = admission.turn === 1
  const asked = new AskedOnce(authorizer, admission)
  if (second && !same(turn.left, admission.object)) somethingChanged(turn)
  for (const [i, hook] of hooks.entries()) {
    if (second && !turn.again.has(hook)) continue
    const shownObjects = new ShownObjects(admission)
    const resource = await concerns(hook, admission, shownObjects, asked)
    if (!resource) continue
    const shown = await shownObjects.in(resource)
    const place = `round_${admission.turn ?? 0}_index_${i}`
    const patch = await askHook(hook, admission, shown, true, place)
    const mutated = Array.isArray(patch) && patch.length > 0 && (await change(hook, admission, shown, patch))
    noteMutation(hook, admission, mutated, place)
    if (mutated) {
      somethingChanged(turn)
      admission.again = true
    }
    if (hook.reinvoke) turn.asked.add(hook)
  }
  turn.left = admission.object && structuredClone(admission.object)
}

function noteMutation({ configuration, name }: Hook, { core }: Admission, mutated: boolean, place: string): void {
  const value = JSON.stringify({ configuration, webhook: name, mutated })
  core.annotate(`mutation.webhook.admission.k8s.io/${place}`, value)
}

function somethingChanged(turn: Turns): void {
  for (const hook of turn.asked) turn.again.add(hook)
  turn.asked.clear()
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
  const next = await asObject(admission, shown.resource, patched)
  if (next.metadata?.namespace !== object.metadata?.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const before = structuredClone(object)
  replaceContents(object, next)
  admission.settle?.()
  return !same(before, object)
}

/** What a webhook made, as an object of ours: unknown fields gone, defaults filled in, in the version that is admitted. */
async function asObject(admission: Admission, resource: Resource, patched: unknown): Promise<AnyObject> {
  if (isForeign(admission)) return patched as AnyObject
  const { object } = decodeValue(resource.kind, patched, 'Ignore')
  applyDefaults(resource.kind, object)
  return convertObject(resource, admission.resource, object)
}

function internal(why: string): ApiError {
  return new ApiError('InternalError', `Internal error occurred: ${why}`, { details: { causes: [{ message: why }] } })
}
