import type { ObjectType } from '../schema/types.ts'
import metaV1 from './meta-v1.data.json' with { type: 'json' }

/** What `kubectl explain` says of types that many kinds share, in our own words: '' is the type itself, other keys its fields. */
const texts: Record<string, Record<string, Record<string, string>>> = { 'meta/v1': metaV1 }

/** What every kind has. */
export const commonTexts = {
  apiVersion: 'APIVersion defines the group and version of this form of the object.',
  kind: 'The kind of the object, in CamelCase.',
  metadata: "Standard object's metadata.",
} as const

/** What there is to say of a type, or of one of its fields; undefined if nothing is written yet. */
export function explained(type: ObjectType, field = ''): string | undefined {
  const own = field === '' ? type.description : type.docs[field]
  if (own) return own
  const dot = type.name.lastIndexOf('.')
  const said = texts[type.name.slice(0, dot)]?.[type.name.slice(dot + 1)]?.[field]
  return said ?? (isKind(type) ? (commonTexts as Record<string, string>)[field] : undefined)
}

const isKind = ({ fields }: ObjectType) => fields.has('apiVersion') && fields.has('kind')
