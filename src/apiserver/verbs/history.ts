import { explain } from '../../base/errors.ts'
import { badRequest, notFoundError } from '../../models/api-error.ts'
import { changedBy, fieldChanges } from '../../models/history/changes.ts'
import type { HistoryItem } from '../../models/history/item.ts'
import type { AnyObject } from '../../models/object.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { valueReply } from '../replies/object-form.ts'
import { prepare, servedObject } from '../storage/conversion.ts'
import { objectStoreKey } from '../storage/object-key.ts'
import { keptFrom } from './past.ts'

const mostItems = 500

/** GET of an object with `?history=true[&limit=…][&before=<revision>]`: its revisions, newest first. */
export const history: CallHandler = async call => {
  const { core, resource, path } = call
  const key = objectStoreKey(resource, path.namespace, path.name!)
  const limit = Math.min(wholeNumber(call, 'limit') ?? 100, mostItems)
  const before = wholeNumber(call, 'before')
  // One more, to tell what the last one changed.
  const changes = await core.store.changes(key, {
    limit: limit + 1,
    ...(before === undefined ? {} : { before: BigInt(before) }),
  })
  if (changes.length === 0 && before === undefined) throw notFoundError(resource.kind, path.name!)
  const states = await Promise.all(changes.map(change => stateOf(call, key, change)))
  const items = states.slice(0, limit).map((state, i) => itemOf(state, states[i + 1]))
  const more = states.length > limit
  return valueReply(call, 200, {
    kind: 'ObjectHistory',
    apiVersion: 'optiflow.dev/v1',
    metadata: more ? { before: items.at(-1)!.revision } : {},
    items,
  })
}

interface State extends Pick<HistoryItem, 'revision' | 'time' | 'user' | 'auditID' | 'object' | 'error'> {
  first: boolean
  deleted: boolean
}

type Change = Awaited<ReturnType<ResourceCall['core']['store']['changes']>>[number]

async function stateOf(call: ResourceCall, key: string, change: Change): Promise<State> {
  const state: State = {
    revision: String(change.revision),
    ...(change.timeMs === undefined ? {} : { time: new Date(change.timeMs).toISOString() }),
    ...(change.author ? { user: change.author.user, auditID: change.author.request } : {}),
    first: change.revision === change.created,
    deleted: change.value === undefined,
  }
  if (!change.value) return state
  try {
    const kept = keptFrom(call, key, change.value, Number(change.revision))
    await prepare(call.resource, [kept])
    return { ...state, object: servedObject(call.resource, kept) }
  } catch (error) {
    return { ...state, error: `cannot be read: ${explain(error)}` }
  }
}

function itemOf({ first, deleted, ...state }: State, before: State | undefined): HistoryItem {
  const type = deleted ? 'Deleted' : first ? 'Created' : before ? 'Changed' : 'Earlier'
  const previous = type === 'Changed' ? before?.object : undefined
  const { object } = state
  return {
    ...state,
    type,
    by: managersOf(state, type, previous),
    fields: object && previous ? fieldChanges(previous, object) : [],
  }
}

/** A deletion leaves no manager behind: there it is the user. */
function managersOf({ object, user }: Pick<State, 'object' | 'user'>, type: HistoryItem['type'], previous?: AnyObject) {
  if (type === 'Deleted') return user === undefined ? [] : [user]
  return object && (type === 'Created' || previous) ? changedBy(previous, object) : []
}

function wholeNumber(call: ResourceCall, name: string): number | undefined {
  const text = call.info.query.get(name)
  if (text === null || text === '') return undefined
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be a whole number above 0`)
  return Number(text)
}
