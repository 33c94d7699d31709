import { atomicParts } from '../../../models/apply/atomic-parts.ts'
import { checkApplied } from '../../../models/apply/check-applied.ts'
import { mergeApplied } from '../../../models/apply/typed-fields.ts'
import { type CelValue, celToJson, typeNameFaults } from '../../../models/cel/index.ts'
import type { Kind } from '../../../models/kind.ts'
import type { PatchType } from '../../../models/kinds/admissionregistration/policy-expressions.ts'
import type { AnyObject } from '../../../models/object.ts'
import { applyJsonPatch, JsonPatchFailed, JsonPatchTestFailed } from '../../../models/patch/index.ts'
import { typeOf } from '../../model-engine.ts'

/** A mutation that made something that cannot be put into the object. */
export class MutationFailed extends Error {}

/**
 * What a mutation makes of an object, not yet checked against the kind.
 * @param value of the mutation's expression
 * @returns undefined when the object is to stay as it is: a test of a JSON patch failed
 * @throws MutationFailed
 */
export function mutated(
  kind: Kind<any>,
  object: AnyObject,
  patchType: PatchType,
  value: CelValue,
): AnyObject | undefined {
  return patchType === 'JSONPatch' ? patched(object, value) : merged(kind, object, value)
}

/** As server-side apply would, but nobody owns what it sets. */
function merged(kind: Kind<any>, object: AnyObject, value: CelValue): AnyObject {
  refuseMisnamed(value)
  const { apiVersion } = object
  const said = { ...(celToJson(value) as object), apiVersion, kind: object.kind }
  const type = typeOf(kind)
  const problems = checkApplied(type, said)
  if (problems.length) {
    const why = problems.length === 1 ? problems[0] : `errors:\n${problems.map(p => `  ${p}`).join('\n')}`
    throw new MutationFailed(`error applying patch: failed to convert patch object to typed object: ${why}`)
  }
  const atomic = atomicParts(type, said)
  if (atomic.length)
    throw new MutationFailed(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(', ')}`,
    )
  return mergeApplied(type, object, said) as AnyObject
}

function patched(object: AnyObject, value: CelValue): AnyObject | undefined {
  const operations = [...(value as Iterable<CelValue>)].map(operation => {
    const field = (name: string) => (operation as { find(key: string): CelValue | undefined }).find(name)
    const said = field('value')
    if (said !== undefined) refuseMisnamed(said)
    const texts = { op: field('op') ?? '', path: field('path') ?? '' }
    const from = field('from')
    return { ...texts, ...(from ? { from } : {}), ...(said === undefined ? {} : { value: celToJson(said) }) }
  })
  try {
    return applyJsonPatch(object, operations) as AnyObject
  } catch (error) {
    if (error instanceof JsonPatchTestFailed) return undefined
    if (error instanceof JsonPatchFailed) throw new MutationFailed(`JSON Patch: ${error.message}`)
    throw error
  }
}

function refuseMisnamed(value: CelValue): void {
  const faults = typeNameFaults(value)
  if (faults.length) throw new MutationFailed(`type mismatch: ${faults.join('\n')}`)
}
