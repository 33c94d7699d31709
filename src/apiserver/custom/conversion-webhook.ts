import { explain } from '../../base/errors.ts'
import { ApiError } from '../../models/api-error.ts'
import { encodeJson } from '../../models/encode-json.ts'
import type { AnyObject } from '../../models/object.ts'
import type { WebhookConversion } from '../../models/types/apiextensions-v1.ts'
import type { Core } from '../core.ts'
import type { Convert } from './custom-form.ts'

const timeoutMs = 30_000
/** Whole lists are converted at once. */
const maxBytes = 256 << 20
const reviewVersions = ['v1', 'v1beta1']

interface Review {
  apiVersion?: unknown
  kind?: unknown
  response?: {
    uid?: unknown
    result?: { status?: unknown; message?: unknown }
    convertedObjects?: unknown
  }
}

/** Conversion by somebody else's ConversionReview webhook: one call, however many objects. */
export function webhookConverter(core: Core, kind: string, webhook: WebhookConversion): Convert {
  return async (objects, apiVersion) => {
    const what = `conversion webhook for ${objects[0]?.apiVersion}, Kind=${kind}`
    const uid = core.random.uuid()
    const version = webhook.conversionReviewVersions.find(v => reviewVersions.includes(v)) ?? 'v1'
    const review = {
      kind: 'ConversionReview',
      apiVersion: `apiextensions.k8s.io/${version}`,
      request: { uid, desiredAPIVersion: apiVersion, objects },
    }
    let answer: unknown
    try {
      answer = await core.outgoing.post(webhook.clientConfig ?? {}, encodeJson(review), { timeoutMs, maxBytes })
    } catch (error) {
      throw failed(`${what} failed: ${explain(error)}`, error)
    }
    const converted = convertedObjects(answer as Review, review.apiVersion, uid, what)
    if (converted.length !== objects.length)
      throw failed(`${what} returned ${converted.length} objects, expected ${objects.length}`)
    return converted.map((object, i) => checked(object, objects[i]!, apiVersion, refusals(what, objects.length, i)))
  }
}

/** Kubernetes gives no reason either. */
const failed = (message: string, cause?: unknown) => new ApiError('', message, cause === undefined ? {} : { cause })

function convertedObjects(review: Review | null, apiVersion: string, uid: string, what: string): unknown[] {
  const { response } = review ?? {}
  if (review?.apiVersion !== apiVersion || review.kind !== 'ConversionReview')
    throw failed(
      `${what} failed: expected webhook response of ${apiVersion}, Kind=ConversionReview, got ${review?.apiVersion ?? '/'}, Kind=${review?.kind ?? ''}`,
    )
  if (!response) throw failed(`${what} failed: no response provided`)
  if (response.uid !== uid && apiVersion.endsWith('/v1'))
    throw failed(
      `${what} failed: expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`,
    )
  const { status, message } = response.result ?? {}
  if (status !== 'Success')
    throw failed(`${what} failed: ${message || `response.result.status was '${status ?? ''}', not 'Success'`}`)
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : []
}

interface Refusals {
  /** Of another kind or version. */
  type(why: string): ApiError
  /** Another object. */
  identity(why: string): ApiError
  metadata(why: string): ApiError
}

/** How it is said what is wrong with one of so many objects, as by Kubernetes. */
function refusals(what: string, count: number, index: number): Refusals {
  const saying = (of: string) => (why: string) => failed(`${what} returned ${of}: ${why}`)
  const oneOfMany = saying(`invalid converted object at index ${index}`)
  return count === 1
    ? {
        type: saying('invalid object at index 0'),
        identity: saying('invalid object'),
        metadata: saying('invalid metadata'),
      }
    : { type: oneOfMany, identity: oneOfMany, metadata: saying(`invalid metadata in object at index ${index}`) }
}

/** The converted object with the metadata of before: only labels and annotations are the webhook's to change. */
function checked(value: unknown, before: AnyObject, apiVersion: string, refuse: Refusals): AnyObject {
  const object = value as AnyObject | null
  if (typeof object !== 'object' || object === null) throw refuse.type('it is no object')
  if (object.apiVersion !== apiVersion)
    throw refuse.type(`invalid groupVersion (expected ${apiVersion}, received ${object.apiVersion})`)
  if (object.kind !== before.kind) throw refuse.type(`invalid kind (expected ${before.kind}, received ${object.kind})`)
  const metadata: Partial<AnyObject['metadata']> | undefined = object.metadata
  if (typeof metadata !== 'object' || metadata === null) throw refuse.metadata('missing metadata in converted object')
  for (const field of ['name', 'namespace', 'uid'] as const)
    if ((metadata[field] ?? '') !== (before.metadata[field] ?? ''))
      throw refuse.identity(
        `must have the same ${field === 'uid' ? 'UID' : field}: ${before.metadata[field] ?? ''} != ${metadata[field] ?? ''}`,
      )
  const { labels: _, annotations: __, ...kept } = before.metadata
  return { ...object, metadata: { ...kept, ...texts(metadata, 'labels'), ...texts(metadata, 'annotations') } }

  function texts(from: Partial<AnyObject['metadata']>, field: 'labels' | 'annotations'): object {
    const map: unknown = from[field]
    if (map === undefined || map === null) return {}
    if (typeof map !== 'object' || Array.isArray(map))
      throw refuse.metadata(`invalid metadata.${field} in converted object`)
    const odd = Object.entries(map).find(([, text]) => typeof text !== 'string')
    if (odd)
      throw refuse.metadata(
        `metadata.${field}[${odd[0]}] must be a string, but is ${typeof odd[1]} in converted object`,
      )
    return { [field]: map }
  }
}
