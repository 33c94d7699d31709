import { badRequest } from '../models/api-error.ts'
import type { Verb } from '../models/kind.ts'
import { Binding } from '../models/kinds/index.ts'
import type { CallHandler, ResourceCall } from './core.ts'
import { notAllowed } from './replies/reply.ts'
import { createLooseBinding } from './subresources/binding.ts'
import { subresourceHandler } from './subresources/subresources.ts'
import { create } from './verbs/create.ts'
import { deleteCollection, remove } from './verbs/delete.ts'
import { get } from './verbs/get.ts'
import { list } from './verbs/list.ts'
import { patch } from './verbs/patch.ts'
import { update } from './verbs/update.ts'

const handlers: Record<Verb, CallHandler> = {
  create,
  get,
  list,
  watch: list,
  update,
  patch,
  delete: remove,
  deletecollection: deleteCollection,
}

const readVerbs = new Set(['get', 'list', 'watch'])

/** Who serves this verb of this path. @throws ApiError MethodNotAllowed, NotFound */
export function resourceHandler(call: ResourceCall, verb: string): CallHandler {
  const { resource, path } = call
  const query = call.info.query
  if ((query.has('asOf') || query.has('history')) && !(path.subresource === undefined && readVerbs.has(verb)))
    throw badRequest('asOf and history: are understood by GET of an object and of a list only')
  if (resource.kind === Binding && verb === 'create' && path.name === undefined) return createLooseBinding
  if (path.subresource !== undefined) return subresourceHandler(call, verb)
  const computed =
    resource.verbs.size === 1 ? call.core.computed.get(`${resource.kind.group}/${resource.kind.plural}`) : undefined
  if (computed && verb === 'create' && path.name === undefined) return computed
  const wantsName = verb === 'get' || verb === 'update' || verb === 'patch' || verb === 'delete'
  const fits = path.legacyWatch || wantsName === (path.name !== undefined)
  if (!fits || computed || !Object.hasOwn(handlers, verb) || !resource.verbs.has(verb as Verb)) throw notAllowed()
  return handlers[verb as Verb]
}
