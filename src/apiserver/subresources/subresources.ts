import { notFoundError } from '../../models/api-error.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { noSuchPath, notAllowed } from '../replies/reply.ts'
import { get } from '../verbs/get.ts'
import { patch } from '../verbs/patch.ts'
import { update } from '../verbs/update.ts'
import { approval } from './approval.ts'
import { createBinding } from './binding.ts'
import { ephemeralContainers } from './ephemeral-containers.ts'
import { createEviction } from './eviction.ts'
import { finalizeNamespace } from './finalize.ts'
import { resize } from './resize.ts'
import { getScale, patchScale, updateScale } from './scale.ts'

type ByVerb = Record<string, CallHandler>

/** Each sub-path by name, then verb. */
const handlers = new Map<string, ByVerb>([
  ['status', { get, update, patch }],
  ['scale', { get: getScale, update: updateScale, patch: patchScale }],
  ['binding', { create: createBinding }],
  ['eviction', { create: createEviction }],
  ['finalize', { update: finalizeNamespace }],
  ['ephemeralcontainers', { ...ephemeralContainers }],
  ['resize', { ...resize }],
  ['approval', { ...approval }],
])

/** @throws ApiError NotFound, MethodNotAllowed */
export function subresourceHandler(call: ResourceCall, verb: string): CallHandler {
  const name = call.path.subresource!
  const served = (call.resource.kind.subresources as readonly string[] | undefined)?.includes(name)
  const byVerb = served ? (handlers.get(name) ?? call.core.moreSubresources.get(name)) : undefined
  if (!byVerb) throw call.resource.kind.custom ? notFoundError(call.resource.kind, call.path.name ?? '') : noSuchPath()
  const handler = Object.hasOwn(byVerb, verb) ? byVerb[verb] : undefined
  if (!handler || isVainHead(call)) throw notAllowed()
  return handler
}

/** HEAD is for what is proxied; of objects, only custom ones are told so too, as kube-apiserver does. */
export function isVainHead({ request, resource, path }: ResourceCall): boolean {
  return request.method === 'HEAD' && path.subresource !== 'proxy' && !resource.kind.custom
}
