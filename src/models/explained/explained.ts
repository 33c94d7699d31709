import type { ObjectType } from '../schema/types.ts'
import { texts } from './texts.ts'

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
