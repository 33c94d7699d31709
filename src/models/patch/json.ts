import { OptiFlowError } from '../../base/errors.ts'
import { put } from '../own-property.ts'
import { isRecord } from './merge.ts'

/** An operation that does not fit the document, or no operation at all; the message names it. */
export class JsonPatchFailed extends OptiFlowError {}

/** The document is not as the patch wants it. */
export class JsonPatchTestFailed extends JsonPatchFailed {}

/** More operations than this in one patch are refused. */
export const maxOperations = 10_000
/** Nodes that `copy` operations may make altogether: without a limit a short patch doubles the document at every step. */
const maxCopiedNodes = 100_000

type Json = unknown

interface Operation {
  op: string
  path: string
  from?: string
  value?: Json
}

/**
 * A JSON patch (RFC 6902). `-` and negative indexes count from the end of a list, as in Kubernetes.
 * @returns the patched document; `document` is unchanged
 * @throws JsonPatchFailed
 */
export function applyJsonPatch(document: Json, operations: Json): Json {
  if (!Array.isArray(operations)) throw new JsonPatchFailed('a JSON patch is a list of operations')
  const root = { '': structuredClone(document) } as Record<string, Json>
  const budget = { nodes: maxCopiedNodes }
  operations.forEach((operation, i) => void applyOne(root, checkOperation(operation, i), budget))
  return root['']
}

function checkOperation(operation: Json, index: number): Operation {
  if (!isRecord(operation)) throw new JsonPatchFailed(`operation ${index} is not an object`)
  const { op, path, from } = operation
  if (typeof op !== 'string') throw new JsonPatchFailed(`operation ${index} has no "op"`)
  if (typeof path !== 'string') throw new JsonPatchFailed(`operation ${index} has no "path"`)
  if ((op === 'move' || op === 'copy') && typeof from !== 'string')
    throw new JsonPatchFailed(`operation ${index} has no "from"`)
  // Nothing is null.
  return { value: null, ...operation } as unknown as Operation
}

function applyOne(root: Record<string, Json>, operation: Operation, budget: { nodes: number }): void {
  const { op, path } = operation
  switch (op) {
    case 'add':
      add(place(root, path, 'add'), structuredClone(operation.value))
      return
    case 'remove':
      remove(place(root, path, 'remove'))
      return
    case 'replace': {
      const at = place(root, path, 'replace')
      // A member that is not there is put there, as Kubernetes' library does; an element must be there.
      if (Array.isArray(at.parent) && !exists(at))
        throw new JsonPatchFailed(`replace operation does not apply: doc is missing key: ${path}: missing value`)
      set(at, structuredClone(operation.value))
      return
    }
    case 'move': {
      if (path === operation.from) return
      if (path.startsWith(`${operation.from}/`))
        throw new JsonPatchFailed(
          `move operation does not apply: ${operation.from} cannot move into itself, to ${path}`,
        )
      const moved = remove(place(root, operation.from!, 'move'))
      add(place(root, path, 'move'), moved)
      return
    }
    case 'copy': {
      const from = place(root, operation.from!, 'copy')
      if (Array.isArray(from.parent) && !exists(from))
        throw new JsonPatchFailed(
          `copy operation does not apply: doc is missing from path: ${operation.from}: missing value`,
        )
      const value = get(from) ?? null
      budget.nodes -= countNodes(value, budget.nodes)
      if (budget.nodes < 0) throw new JsonPatchFailed(`copy operations make the document too large, at path ${path}`)
      add(place(root, path, 'copy'), structuredClone(value))
      return
    }
    case 'test': {
      const at = place(root, path, 'test')
      const value = exists(at) ? get(at) : null
      if (!equal(value, operation.value ?? null))
        throw new JsonPatchTestFailed(`testing value ${path} failed: test failed`)
      return
    }
    default:
      throw new JsonPatchFailed(`Unexpected kind: ${op}`)
  }
}

/** One place in the document: a member of an object or an element of a list, there or not. */
interface Place {
  parent: Record<string, Json> | Json[]
  key: string
  path: string
  op: string
}

function place(root: Record<string, Json>, path: string, op: string): Place {
  if (path === '') return { parent: root, key: '', path, op }
  if (!path.startsWith('/')) throw missingPath(op, path)
  const keys = path
    .slice(1)
    .split('/')
    .map(key => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  const key = keys.pop()!
  let parent: Json = root['']
  for (const step of keys) parent = isContainer(parent) ? get({ parent, key: step, path, op }) : undefined
  if (!isContainer(parent)) throw missingPath(op, path)
  return { parent, key, path, op }
}

const isContainer = (value: Json): value is Record<string, Json> | Json[] => typeof value === 'object' && value !== null

const missingPath = (op: string, path: string) =>
  new JsonPatchFailed(`${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`)

/** The index that a key means in a list of this length, or undefined. `end` allows the place behind the last. */
function indexOf({ key }: Place, length: number, end: boolean): number | undefined {
  if (key === '-') return end ? length : undefined
  if (!/^[+-]?\d{1,10}$/.test(key)) return undefined
  const limit = end ? length : length - 1
  const index = key.startsWith('-') ? Number(key) + length + (end ? 1 : 0) : Number(key)
  return index >= 0 && index <= limit ? index : undefined
}

function exists(at: Place): boolean {
  if (Array.isArray(at.parent)) return indexOf(at, at.parent.length, false) !== undefined
  return Object.hasOwn(at.parent, at.key)
}

function get(at: Place): Json {
  if (!Array.isArray(at.parent)) return Object.hasOwn(at.parent, at.key) ? at.parent[at.key] : undefined
  const index = indexOf(at, at.parent.length, false)
  return index === undefined ? undefined : at.parent[index]
}

function set(at: Place, value: Json): void {
  if (Array.isArray(at.parent)) at.parent[indexOf(at, at.parent.length, false)!] = value
  else put(at.parent, at.key, value)
}

function add(at: Place, value: Json): void {
  if (!Array.isArray(at.parent)) {
    put(at.parent, at.key, value)
    return
  }
  const index = indexOf(at, at.parent.length, true)
  if (index === undefined)
    throw new JsonPatchFailed(
      `error in ${at.op} for path: '${at.path}': Unable to access invalid index: ${at.key}: invalid index referenced`,
    )
  at.parent.splice(index, 0, value)
}

function remove(at: Place): Json {
  const value = get(at)
  if (Array.isArray(at.parent)) {
    const index = indexOf(at, at.parent.length, false)
    if (index === undefined)
      throw new JsonPatchFailed(
        `error in ${at.op} for path: '${at.path}': Unable to access invalid index: ${at.key}: invalid index referenced`,
      )
    at.parent.splice(index, 1)
  } else {
    if (at.path === '' || !Object.hasOwn(at.parent, at.key))
      throw new JsonPatchFailed(
        `error in ${at.op} for path: '${at.path}': Unable to remove nonexistent key: ${at.key}: missing value`,
      )
    delete at.parent[at.key]
  }
  return value
}

function countNodes(value: Json, limit: number): number {
  if (!isContainer(value)) return 1
  let nodes = 1
  for (const child of Object.values(value)) {
    nodes += countNodes(child, limit - nodes)
    if (nodes > limit) return nodes
  }
  return nodes
}

/** Equality of JSON values, whatever the order of members. */
export function equal(a: Json, b: Json): boolean {
  if (a === b) return true
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const left = a as Record<string, Json>
  const right = b as Record<string, Json>
  const keys = Object.keys(left)
  if (keys.length !== Object.keys(right).length) return false
  return keys.every(key => Object.hasOwn(right, key) && equal(left[key], right[key]))
}
