import { ApiError, badRequest } from '../models/api-error.ts'
import type { Verb } from '../models/kind.ts'
import { Binding } from '../models/kinds/index.ts'
import { hasProtobuf, protobufType } from '../models/protobuf/index.ts'
import { objectTypes } from './bodies/media-types.ts'
import type { CallHandler, ComputedVerbs, ResourceCall } from './core.ts'
import { refuseForeign } from './replies/accept.ts'
import { refuseUnreadable } from './replies/object-form.ts'
import { noSuchPath, notAllowed } from './replies/reply.ts'
import type { Resource } from './resources.ts'
import { createLooseBinding } from './subresources/binding.ts'
import { isVainHead, subresourceHandler } from './subresources/subresources.ts'
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

/** A kind of somebody's lacks a verb only while its definition goes. */
function refusedWhileDying({ kind }: Resource): ApiError {
  const details = { group: kind.group, kind: kind.plural }
  return new ApiError('MethodNotAllowed', 'create not allowed while custom resource definition is terminating', {
    details,
  })
}

const readVerbs = new Set(['get', 'list', 'watch'])

/** Who serves this verb of this path. @throws ApiError MethodNotAllowed, NotFound */
export function resourceHandler(call: ResourceCall, verb: string): CallHandler {
  const { resource, path } = call
  const query = call.info.query
  if (isNoPath(call)) throw noSuchPath()
  if (path.subresource === undefined && isVainHead(call)) throw notAllowed()
  refuseForeignReader(call, verb)
  if ((query.has('asOf') || query.has('history')) && !(path.subresource === undefined && readVerbs.has(verb)))
    throw badRequest('asOf and history: are understood by GET of an object and of a list only')
  if (resource.kind === Binding && verb === 'create' && path.name === undefined) return createLooseBinding
  if (path.subresource !== undefined) return subresourceHandler(call, verb)
  // What is computed has few verbs: others need not be looked up.
  const computed =
    resource.verbs.size <= 2 ? call.core.computed.get(`${resource.kind.group}/${resource.kind.plural}`) : undefined
  if (computed) return computedHandler(computed, call, verb)
  // Upstream's router has no HEAD of objects, and of what is only created no path of one.
  if (call.request.method === 'HEAD') throw notAllowed()
  if (path.name !== undefined && resource.verbs.size === 1 && resource.verbs.has('create'))
    throw new ApiError('NotFound', 'the server could not find the requested resource', { details: {} })
  if (!fits(call, verb) || !Object.hasOwn(handlers, verb)) throw notAllowed()
  if (!resource.verbs.has(verb as Verb)) throw resource.kind.custom ? refusedWhileDying(resource) : notAllowed()
  if (path.name !== undefined || verb === 'create') refuseUnreadable(call, resource)
  return handlers[verb as Verb]
}

/** What is only created, such as reviews and bindings, has no path of its own by name, nor one of all namespaces at once; nor has a part under /watch/. */
function isNoPath({ path, resource }: ResourceCall): boolean {
  if (resource.kind.custom) return false
  if (path.legacyWatch) return path.subresource !== undefined
  if (path.subresource !== undefined) return false
  if (resource.verbs.size !== 1 || !resource.verbs.has('create')) return false
  return path.name !== undefined || (resource.namespaced && path.namespace === undefined)
}

const listTypes = [...objectTypes, 'application/json;stream=watch', `${protobufType};stream=watch`]
/** These give what others give them. */
const streamed = new Set<string | undefined>(['log', 'exec', 'attach', 'portforward', 'proxy'])

/** Of our own kinds alone: custom ones are not asked. @throws ApiError NotAcceptable */
function refuseForeignReader({ resource, path, request }: ResourceCall, verb: string): void {
  if (resource.kind.custom || streamed.has(path.subresource) || !hasProtobuf(resource.kind.schema)) return
  refuseForeign(request.headers['accept'], verb === 'list' || verb === 'watch' ? listTypes : objectTypes)
}

/** One object is named, and a collection is not; of all namespaces at once there is only reading. */
function fits({ path, resource }: ResourceCall, verb: string): boolean {
  if (path.legacyWatch) return verb === 'watch'
  const wantsName = verb === 'get' || verb === 'update' || verb === 'patch' || verb === 'delete'
  if (wantsName !== (path.name !== undefined)) return false
  return !resource.namespaced || path.namespace !== undefined || readVerbs.has(verb)
}

function computedHandler(computed: ComputedVerbs, { info, path }: ResourceCall, verb: string): CallHandler {
  const handler = Object.hasOwn(computed, verb) ? computed[verb as keyof ComputedVerbs] : undefined
  if (!handler || path.legacyWatch || (verb === 'get') !== (path.name !== undefined)) throw notAllowed()
  if (info.query.has('asOf') || info.query.has('history'))
    throw badRequest('asOf and history: what is computed has no past')
  return handler
}
