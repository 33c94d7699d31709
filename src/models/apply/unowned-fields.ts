import type { Unowned } from './created-fields.ts'
import { FieldSet } from './field-set.ts'

/** Nobody owns who an object is. */
export const unowned = FieldSet.fromWire({
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    ...Object.fromEntries(
      [
        'name',
        'namespace',
        'creationTimestamp',
        'selfLink',
        'uid',
        'generation',
        'managedFields',
        'resourceVersion',
      ].map(f => [`f:${f}`, {}]),
    ),
  },
})
// `metadata` itself is nobody's, but labels and annotations below it are.
unowned.members.delete('f:metadata')
const metadata = unowned.children.get('f:metadata')!

/** What is nobody's, for comparing and for writing at once. */
export interface Nobodys {
  set: FieldSet
  elements: Unowned
}

const nobodysBesides = (...elements: string[]): Nobodys => {
  const set = new FieldSet()
  for (const element of [...unowned.members, ...elements]) set.members.add(element)
  set.children.set('f:metadata', metadata)
  return { set, elements: { own: set.members, metadata: metadata.members } }
}

const unownedBy = {
  writersOfAll: nobodysBesides(),
  writersOfSpec: nobodysBesides('f:status'),
  writersOfStatus: nobodysBesides('f:spec'),
  others: nobodysBesides('f:spec', 'f:status'),
}

/** What this writer cannot own, whatever it writes. */
export function nobodysFor({ leavesStatus, leavesSpec }: { leavesStatus?: boolean; leavesSpec?: boolean }): Nobodys {
  if (leavesSpec) return leavesStatus ? unownedBy.others : unownedBy.writersOfStatus
  return leavesStatus ? unownedBy.writersOfSpec : unownedBy.writersOfAll
}
