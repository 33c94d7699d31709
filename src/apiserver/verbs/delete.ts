import { integerProblem } from '../../base/go-integer.ts'
import { flag } from '../../base/query-flag.ts'
import { badRequest } from '../../models/api-error.ts'
import { invalid, notSupported } from '../../models/field-error.ts'
import { resourceName } from '../../models/kind.ts'
import { decodeProtobuf } from '../../models/protobuf/index.ts'
import type { DeleteOptions, StatusDetails } from '../../models/types/meta-v1.ts'
import { bodyForm, parseBody } from '../bodies/body.ts'
import type { Call, CallHandler, ResourceCall } from '../core.ts'
import { decodeDeleteOptions } from '../model-engine.ts'
import { deleteObject, propagationOf } from '../objects/delete-object.ts'
import { formOfMany, objectReply, valueReply } from '../replies/object-form.ts'
import { successStatus } from '../replies/reply.ts'
import { objectSelector } from '../selectors/object-selector.ts'
import { prepare } from '../storage/conversion.ts'
import { invalidOptions } from './invalid-options.ts'
import { readPage } from './list.ts'
import { listOptions } from './list-options.ts'
import { listReply } from './list-page.ts'
import { removeUnreadable, unreadable, wishesUnsafeDeletion } from './unreadable.ts'
import { checkDryRun, isDryRun } from './write-options.ts'

export const remove: CallHandler = async call => {
  const { core, resource, path } = call
  const wishes = readDeleteOptions(call)
  warnOfOrphans(call, wishes)
  const dryRun = Boolean(wishes.dryRun?.length)
  const damaged = unreadable(call)
  if (wishesUnsafeDeletion(call, wishes, { found: damaged !== undefined, dryRun })) return removeUnreadable(call)
  if (damaged) throw damaged
  const { gone, object } = await deleteObject(core, resource, path.namespace, path.name!, wishes, {
    user: call.user,
    dryRun,
    warnings: call.warnings,
  })
  if (!gone) return objectReply(call, resource, wishes.orphanDependents === false ? 202 : 200, object)
  if (resource.kind.deletionAnswersObject) return objectReply(call, resource, 200, object)
  const uid = object.value().metadata.uid
  const details: StatusDetails = {
    name: path.name!,
    ...(resource.kind.group ? { group: resource.kind.group } : {}),
    kind: resource.kind.plural,
    ...(uid ? { uid } : {}),
  }
  return valueReply(call, 200, successStatus(details))
}

/** Whether or not there is anything to delete: it is about what was asked. */
function warnOfOrphans({ resource, warnings }: ResourceCall, wishes: DeleteOptions): void {
  const warning = resource.stored.orphansDependents?.warning
  if (warning && propagationOf(wishes) === undefined) warnings.push(warning)
}

/** Deletes whatever the selectors match, or the page of it that the request is about; answers with what was there. */
export const deleteCollection: CallHandler = async call => {
  const { core, resource } = call
  const wishes = readDeleteOptions(call)
  warnOfOrphans(call, wishes)
  const dryRun = Boolean(wishes.dryRun?.length)
  const options = listOptions(call.info.query)
  const form = formOfMany(call, resource)
  const page = await readPage(call, options, objectSelector(resource, call.info.query))
  const pending = prepare(resource, page.objects)
  if (pending) await pending
  for (const object of page.objects) {
    try {
      await deleteObject(core, resource, object.namespace || undefined, object.name, wishes, {
        user: call.user,
        dryRun,
        warnings: call.warnings,
      })
    } catch (error) {
      // Somebody else was faster.
      if ((error as { code?: unknown }).code !== 404) throw error
    }
  }
  if (form.accepted.as) return valueReply(call, 200, successStatus({ kind: resourceName(resource.kind) }))
  return listReply(call, form, page)
}

/** From the body, else from the query: who sends both has the query passed over, as by Kubernetes. @throws ApiError */
export function readDeleteOptions(call: Call): DeleteOptions {
  const { body } = call.request
  let options: DeleteOptions = {}
  if (body?.length) {
    const form = bodyForm(call.request)
    const value =
      form === 'protobuf'
        ? decodeProtobuf(body, { apiVersion: 'v1', kind: 'DeleteOptions' }).value
        : parseBody(form, body, false).value
    refuseOtherKind(value)
    options = decodeDeleteOptions(value)
  } else optionsOfQuery(call, options)
  checkPropagation(options)
  checkDryRun(call, options.dryRun ?? [])
  return options
}

/** What becomes of dependents: said once, and in words that there are. @throws ApiError Invalid */
export function checkPropagation({ propagationPolicy: said, ...options }: DeleteOptions): void {
  const call = { request: { method: 'DELETE' } }
  if (options.orphanDependents !== undefined && said !== undefined) {
    const why = 'orphanDependents and deletionPropagation cannot be both set'
    throw invalidOptions(call, invalid('propagationPolicy', said, why))
  }
  if (said !== undefined && !policies.includes(said))
    throw invalidOptions(call, notSupported('propagationPolicy', said, [...policies, 'nil']))
}

const policies: readonly string[] = ['Foreground', 'Background', 'Orphan']

/** @throws ApiError BadRequest */
function optionsOfQuery(call: Call, options: DeleteOptions): void {
  const { query } = call.info
  if (isDryRun(call)) options.dryRun = ['All']
  const grace = query.get('gracePeriodSeconds')
  if (grace !== null) {
    const problem = integerProblem(grace, true)
    if (problem) throw badRequest(`strconv.ParseInt: ${problem}`)
    options.gracePeriodSeconds = Number(grace)
  }
  const policy = query.get('propagationPolicy')
  if (policy !== null) options.propagationPolicy = policy as NonNullable<DeleteOptions['propagationPolicy']>
  if (query.get('orphanDependents')) options.orphanDependents = flag(query, 'orphanDependents')
  const said = ['uid', 'resourceVersion'].flatMap(field => {
    const value = query.get(field)
    return value ? [[field, value]] : []
  })
  if (said.length) options.preconditions = Object.fromEntries(said)
}

/** Somebody who sends an object does not know that it would be deleted. @throws ApiError BadRequest */
function refuseOtherKind(value: unknown): void {
  const { kind } = (value ?? {}) as { kind?: unknown }
  if (typeof kind === 'string' && kind !== '' && kind !== 'DeleteOptions')
    throw badRequest(`the kind in the data (${kind}) does not match the expected kind (DeleteOptions)`)
}
