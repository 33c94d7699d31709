import type { Kind } from '../../models/kind.ts'
import { customSchemaName } from '../../models/openapi-names.ts'
import { subresourcesOf } from '../discovery/subresource-kinds.ts'
import type { Resource } from '../resources.ts'
import { connectOperations } from './connect-operations.ts'
import { type Action, type Gvk, listQuery, type Operation, type QueryParameter } from './operation.ts'
import { operationId, tagOf } from './operation-names.ts'
import { watchOperations } from './watch-operations.ts'

const writeQuery: QueryParameter[] = ['pretty', 'dryRun', 'fieldManager', 'fieldValidation']
const deleteQuery: QueryParameter[] = [
  'pretty',
  'dryRun',
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'propagationPolicy',
]

/** Of custom resources upstream says less here: what a list may be asked, and no body. */
const deleteManyQuery: QueryParameter[] = [
  ...listQuery.filter(q => q !== 'watch' && q !== 'allowWatchBookmarks'),
  ...deleteQuery.filter(q => q !== 'pretty'),
]

const getQuery = (kind: Kind<any>): QueryParameter[] => (kind.custom ? ['pretty', 'resourceVersion'] : ['pretty'])

const logQuery: QueryParameter[] = [
  ...(['container', 'follow', 'insecureSkipTLSVerifyBackend', 'limitBytes', 'pretty', 'previous'] as const),
  ...(['sinceSeconds', 'stream', 'tailLines', 'timestamps'] as const),
]

/** A change that goes on after its answer, or that makes what was not there, says so by its status. */
const alsoAnswered: Partial<Record<Action, Operation['also']>> = {
  post: [201, 202],
  put: [201],
  patch: [201],
  delete: [202],
}

/** How the schema of a kind is named until it is referred to. */
function schemaOf(kind: Kind<any>): string {
  return kind.custom ? `custom:${customSchemaName(kind)}` : kind.schema
}

/** Types that operations take or give besides those of the resources (which bring their own schemas if they are custom), each with the one kind that it is, if it is one. */
export function mentionedTypes(
  operations: readonly Operation[],
  resources: readonly Resource[],
): Map<string, Gvk | undefined> {
  const own = new Set(resources.flatMap(({ kind: { schema } }) => [schema, `${schema}List`]))
  const mentioned = new Map<string, Gvk | undefined>()
  for (const { body, answer, gvk, answerKind = gvk } of operations)
    for (const type of [body, answer])
      if (type && !type.startsWith('custom:') && !own.has(type))
        mentioned.set(type, Object.hasOwn(shared, type) ? shared[type] : answerKind)
  // One of the list is a kind too.
  if (mentioned.has('meta/v1.APIGroupList'))
    mentioned.set('meta/v1.APIGroup', { group: '', version: 'v1', kind: 'APIGroup' })
  return mentioned
}

/** Types that are none of the operation's own kind. What takes options and what watches is noted by group version elsewhere. */
const shared: Record<string, Gvk | undefined> = {
  patch: undefined,
  'meta/v1.DeleteOptions': undefined,
  'meta/v1.WatchEvent': undefined,
  'meta/v1.Status': { group: '', version: 'v1', kind: 'Status' },
}

/** Everything that can be asked of a resource. */
export function operationsOf(resource: Resource): Operation[] {
  const { kind } = resource
  const root = kind.group ? `/apis/${kind.group}/${kind.version}` : `/api/${kind.version}`
  const collection = resource.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`
  const item = `${collection}/{name}`
  const where: Operation['pathParameters'] = resource.namespaced ? ['namespace'] : []
  const schema = schemaOf(kind)
  const list = kind.custom ? schemaOf({ ...kind, kind: kind.custom.listKind }) : `${schema}List`
  const out: Operation[] = []
  const add = (
    verb: string,
    method: Operation['method'],
    path: string,
    action: Action,
    description: string,
    rest: Partial<Operation>,
  ) => {
    if (!resource.verbs.has(verb as 'get')) return
    out.push({
      path,
      method,
      description,
      action,
      gvk: { group: kind.group, version: kind.version, kind: kind.kind },
      query: [],
      also: kind.custom && action === 'patch' ? [] : (alsoAnswered[action] ?? []),
      custom: kind.custom !== undefined,
      pathParameters: path.includes('{name}') ? [...where, 'name'] : path.includes('{namespace}') ? ['namespace'] : [],
      ...rest,
      id: operationId(action, resource, rest.id),
      tag: tagOf(resource),
    })
  }
  const name = kind.kind
  add('list', 'get', collection, 'list', `List or watch ${name} objects`, { answer: list, query: listQuery })
  add('create', 'post', collection, 'post', `Create a ${name}`, {
    body: schema,
    answer: schema,
    query: writeQuery,
  })
  add('deletecollection', 'delete', collection, 'deletecollection', `Delete several ${name} objects`, {
    answer: 'meta/v1.Status',
    ...(kind.custom ? { query: listQuery } : { body: 'meta/v1.DeleteOptions', query: deleteManyQuery }),
  })
  add('get', 'get', item, 'get', `Read a ${name}`, { answer: schema, query: getQuery(kind) })
  add('update', 'put', item, 'put', `Replace a ${name}`, { body: schema, answer: schema, query: writeQuery })
  add('patch', 'patch', item, 'patch', `Change parts of a ${name}`, {
    body: 'patch',
    answer: schema,
    query: [...writeQuery, 'force'],
  })
  add('delete', 'delete', item, 'delete', `Delete a ${name}`, {
    body: 'meta/v1.DeleteOptions',
    answer: kind.deletionAnswersObject ? schema : 'meta/v1.Status',
    query: deleteQuery,
  })
  if (resource.namespaced)
    add('list', 'get', `${root}/${kind.plural}`, 'list', `List or watch ${name} objects of all namespaces`, {
      answer: list,
      query: listQuery,
      id: 'ForAllNamespaces',
    })
  for (const sub of subresourcesOf(resource)) out.push(...subresourceOperations(resource, item, where, sub))
  out.push(...watchOperations(resource, root))
  return out
}

/** The sub-paths of custom resources are said to be of the resource itself. */
const gvkOf = ({ group, version, kind }: Gvk): Gvk => ({ group, version, kind })

function subresourceOperations(
  resource: Resource,
  item: string,
  where: Operation['pathParameters'],
  sub: ReturnType<typeof subresourcesOf>[number],
): Operation[] {
  const schemas: Record<string, string> = {
    Scale: 'autoscaling/v1.Scale',
    Eviction: 'policy/v1.Eviction',
    Binding: 'core/v1.Binding',
    TokenRequest: 'authentication/v1.TokenRequest',
  }
  const schema = sub.kind === resource.kind.kind ? schemaOf(resource.kind) : schemas[sub.kind]
  const suffix = sub.name[0]!.toUpperCase() + sub.name.slice(1)
  const base = {
    path: `${item}/${sub.name}`,
    gvk: gvkOf(resource.kind.custom ? resource.kind : sub),
    answerKind: gvkOf(sub),
    pathParameters: [...where, 'name'] as Operation['pathParameters'],
    custom: resource.kind.custom !== undefined,
  }
  const one = (method: Operation['method'], action: Action, words: string, rest: Partial<Operation>): Operation => ({
    ...base,
    method,
    action,
    id: operationId(action, resource, suffix),
    tag: tagOf(resource),
    description: `${words} ${sub.name} of a ${resource.kind.kind}`,
    query: [],
    also: resource.kind.custom && action === 'patch' ? [] : (alsoAnswered[action] ?? []),
    ...rest,
  })
  if (sub.name === 'log') return [one('get', 'get', 'Read', { query: logQuery })]
  if (!schema)
    return connectOperations(sub.name, { ...base, query: [], also: [] }, verb => ({
      id: operationId('connect', resource, suffix, verb),
      tag: tagOf(resource),
    }))
  const answer = { answer: schema }
  return sub.verbs.flatMap(verb => {
    switch (verb) {
      case 'get':
        return [one('get', 'get', 'Read', { ...answer, query: getQuery(resource.kind) })]
      case 'update':
        return [one('put', 'put', 'Replace', { ...answer, body: schema, query: writeQuery })]
      case 'patch':
        return [one('patch', 'patch', 'Change parts of', { ...answer, body: 'patch', query: [...writeQuery, 'force'] })]
      case 'create':
        return [one('post', 'post', 'Create', { ...answer, body: schema, query: writeQuery })]
      default:
        return []
    }
  })
}
