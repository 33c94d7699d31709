import { ApiError } from '../../models/api-error.ts'
import { protobufType } from '../../models/protobuf/index.ts'

export type Transform = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'

/** The form a client wants its answer in. */
export interface AcceptedForm {
  media: 'json' | 'yaml' | 'protobuf'
  /** Undefined: the object itself. */
  as: Transform | undefined
  /** Of the transform: v1 or v1beta1. */
  version: string
}

/** Answers of one kind: what they can be made into, and what they can be written in. */
export interface Offer {
  transforms?: readonly Transform[]
  /** Whether the object itself has a protobuf form; PartialObjectMetadata always has, a Table never. */
  protobuf?: boolean
  /** Protobuf is named to those who are refused, though these have none: so Kubernetes does of custom resources. */
  namesProtobuf?: boolean
  /** A watch, which nobody writes as YAML. */
  stream?: boolean
}

export const plain: AcceptedForm = { media: 'json', as: undefined, version: 'v1' }
const known = new Map<string, AcceptedForm | undefined>()

/** Whether JSON as it is will do, which can always be given. */
export const wantsPlain = (accept: string | undefined): accept is undefined | '' | 'application/json' | '*/*' =>
  accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*'

/**
 * The first form in an Accept header that can be given; in order of quality.
 * @throws ApiError NotAcceptable
 */
export function acceptedForm(accept: string | undefined, offer: Offer): AcceptedForm {
  if (wantsPlain(accept)) return plain
  const key = `${offer.transforms?.join()} ${offer.protobuf} ${offer.stream} ${accept}`
  let form = known.get(key)
  if (!form) {
    form = choose(accept, offer)
    if (known.size > 512) known.clear()
    known.set(key, form)
  }
  if (!form)
    throw new ApiError('NotAcceptable', `only the following media types are accepted: ${offeredTypes(accept, offer)}`)
  return form
}

/**
 * Refuses whoever reads nothing at all of what a path gives, whatever its parameters say: Kubernetes asks this before it looks
 * at the object, and says it in other words.
 * @throws ApiError NotAcceptable
 */
export function refuseForeign(accept: string | undefined, produced: readonly string[]): void {
  if (accept === undefined || accept === '' || accept === '*/*' || produced.includes(accept)) return
  const types = accept.split(',', 64).map(part => part.split(';', 1)[0]!.trim())
  if (types.some(type => type === '*/*' || produced.includes(type))) return
  const text = `406: Not Acceptable\n\nAvailable representations: ${produced.join(', ')}`
  throw new ApiError('NotAcceptable', text, { details: {} })
}

/** Whether somebody reads an error as protobuf: who does not read what it would be an answer to gets JSON. */
export const readsProtobuf = (accept: string | undefined): boolean =>
  accept?.includes(protobufType) === true && choose(accept, { protobuf: true })?.media === 'protobuf'

/** Whether somebody would rather read an error as YAML. */
export const readsYaml = (accept: string | undefined): boolean =>
  accept?.includes('yaml') === true && choose(accept, { protobuf: true })?.media === 'yaml'

function choose(accept: string, { transforms = [], protobuf, stream }: Offer): AcceptedForm | undefined {
  for (const { type, params } of mediaTypes(accept)) {
    const media = mediaOf(type)
    if (!media) continue
    // What comes after it is not looked at, though a stream of it could be.
    if (stream && media === 'yaml') return undefined
    const as = params.get('as')
    if (as === undefined) {
      if ((media === 'protobuf' && !protobuf) || params.has('g') || params.has('v')) continue
      return { media, as: undefined, version: 'v1' }
    }
    const version = params.get('v')
    if (params.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue
    if (media === 'protobuf' && as === 'Table') continue
    const transform =
      transforms.find(t => t === as) ??
      (stream && as === 'PartialObjectMetadataList' ? 'PartialObjectMetadata' : undefined)
    if (transform) return { media, as: transform, version }
  }
  return undefined
}

/** Who asks for YAML that cannot be is told what a stream is made of; who asks for another form, what objects are. */
function offeredTypes(accept: string, { protobuf, namesProtobuf, stream }: Offer): string {
  const yaml = mediaTypes(accept).some(({ type }) => mediaOf(type) === 'yaml')
  if (stream && yaml) return `application/json;stream=watch, ${protobufType};stream=watch`
  return ['application/json', 'application/yaml', ...(protobuf || namesProtobuf ? [protobufType] : [])].join(', ')
}

function mediaOf(type: string): AcceptedForm['media'] | undefined {
  switch (type) {
    case 'application/json':
    case 'application/*':
    case '*/*':
      return 'json'
    case 'application/yaml':
      return 'yaml'
    case protobufType:
      return 'protobuf'
    default:
      return undefined
  }
}

export interface MediaType {
  type: string
  params: Map<string, string>
}

/** In order of quality, then as written. As for Kubernetes q=0 is the last choice and no refusal, and so is a q that is no number. */
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
      return { type: type!.toLowerCase(), params, quality: Number.isFinite(quality) ? quality : 0 }
    })
    .filter(t => t.type !== '')
    .sort((a, b) => b.quality - a.quality)
}
