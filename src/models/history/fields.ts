/** One step into an object: a field, an element known by one of its own fields, or an element known only by its place. */
export type Step =
  | { field: string }
  | { key: string; value: string; element: Record<string, unknown> }
  | { index: number; element: unknown }

/** A value that has no parts of its own, and where it is. */
export interface Leaf {
  /** `spec.template.spec.containers[name=web].image` */
  path: string
  steps: Step[]
  value: unknown
}

/** Fields by which the elements of lists are usually told apart, the first that fits. */
const identifying = ['name', 'type', 'uid', 'mountPath', 'containerPort', 'key', 'ip', 'port']
/** Book-keeping that changes with everything else. */
const ignored = new Set(['metadata.managedFields', 'metadata.resourceVersion', 'metadata.generation'])

/** All leaves of an object by path, in the order in which they stand. Empty lists and maps are leaves. */
export function leavesOf(object: unknown): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>()
  collect(object, '', [], leaves)
  return leaves
}

function collect(value: unknown, path: string, steps: Step[], leaves: Map<string, Leaf>): void {
  if (ignored.has(path)) return
  if (Array.isArray(value) && value.length) {
    const key = keyOf(value)
    for (const [i, element] of value.entries()) {
      const step: Step = key ? { key, value: String(element[key]), element } : { index: i, element }
      collect(element, `${path}[${key ? `${key}=${element[key]}` : i}]`, [...steps, step], leaves)
    }
    return
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length) {
    for (const [field, below] of Object.entries(value))
      collect(below, joined(path, field), [...steps, { field }], leaves)
    return
  }
  leaves.set(path, { path, steps, value })
}

function joined(path: string, field: string): string {
  if (!/^[\w-]+$/.test(field)) return `${path}[${JSON.stringify(field)}]`
  return path ? `${path}.${field}` : field
}

/** The field that tells all elements apart; undefined if none does. */
function keyOf(list: unknown[]): string | undefined {
  return identifying.find(key => {
    const values = new Set<unknown>()
    for (const element of list) {
      const value = (element as Record<string, unknown> | null)?.[key]
      if (typeof value !== 'string' && typeof value !== 'number') return false
      values.add(value)
    }
    return values.size === list.length
  })
}
