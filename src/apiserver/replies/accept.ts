import { ApiError } from '../../models/api-error.ts'

export type Transform = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'

/** The form a client wants its answer in. */
export interface AcceptedForm {
  media: 'json' | 'yaml'
  /** Undefined: the object itself. */
  as: Transform | undefined
  /** Of the transform: v1 or v1beta1. */
  version: string
}

const plain: AcceptedForm = { media: 'json', as: undefined, version: 'v1' }
const known = new Map<string, AcceptedForm | undefined>()

/**
 * The first form in an Accept header that can be given; in order of quality. Protobuf is not offered: every client
 * that prefers it takes JSON too, unless it says otherwise.
 * @param transforms the transforms that make sense for this answer
 * @throws ApiError NotAcceptable
 */
export function acceptedForm(accept: string | undefined, transforms: readonly Transform[]): AcceptedForm {
  if (accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*') return plain
  const key = `${transforms.join()} ${accept}`
  let form = known.get(key)
  if (!form) {
    form = choose(accept, transforms)
    if (known.size > 512) known.clear()
    known.set(key, form)
  }
  if (!form)
    throw new ApiError(
      'NotAcceptable',
      'only the following media types are accepted: application/json, application/yaml',
    )
  return form
}

/** Query `pretty` does not change the content, only its spaces: not offered. */
function choose(accept: string, transforms: readonly Transform[]): AcceptedForm | undefined {
  for (const { type, params } of mediaTypes(accept)) {
    const media =
      type === 'application/json' || type === '*/*' || type === 'application/*'
        ? 'json'
        : type === 'application/yaml'
          ? 'yaml'
          : undefined
    if (!media) continue
    const as = params.get('as')
    if (as === undefined) return { media, as: undefined, version: 'v1' }
    const version = params.get('v') ?? 'v1'
    if (params.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue
    const transform = transforms.find(t => t === as)
    if (transform) return { media, as: transform, version }
  }
  return undefined
}

export interface MediaType {
  type: string
  params: Map<string, string>
}

/** In order of quality, then as written; those with q=0 are left out. */
export function mediaTypes(accept: string): MediaType[] {
  return accept
    .split(',', 64)
    .map(part => {
      const [type, ...rest] = part.split(';').map(s => s.trim())
      const params = new Map<string, string>()
      for (const text of rest) {
        const equals = text.indexOf('=')
        if (equals > 0) params.set(text.slice(0, equals).toLowerCase(), text.slice(equals + 1).replace(/^"|"$/g, ''))
      }
      const quality = Number(params.get('q') ?? 1)
      return { type: type!.toLowerCase(), params, quality: Number.isFinite(quality) ? quality : 1 }
    })
    .filter(t => t.type !== '' && t.quality > 0)
    .sort((a, b) => b.quality - a.quality)
}
