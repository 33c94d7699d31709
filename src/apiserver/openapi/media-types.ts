import { changeTypes, objectTypes } from '../bodies/media-types.ts'
import type { Operation } from './operation.ts'

/** What a kind that nobody has compiled in knows: no protobuf, and no patches that need to know it. */
const known = ({ custom }: Operation, types: readonly string[]): string[] =>
  types.filter(type => !custom || !/protobuf|strategic/.test(type))

/** In which types an operation takes its body. */
export function takenTypes(o: Operation): string[] {
  if (o.media) return o.answer ? o.media : []
  if (o.body === 'patch') return known(o, changeTypes)
  return o.custom ? known(o, objectTypes) : ['*/*']
}

/** In which types an operation answers. */
export function givenTypes(o: Operation): string[] {
  if (o.media) return o.media
  if (o.action === 'connect') return ['*/*']
  const types = known(o, objectTypes)
  if (!o.answer) return ['text/plain', ...types]
  if (o.custom || !streaming.has(o.action)) return types
  return [...types, ...types.filter(type => !type.endsWith('yaml')).map(type => `${type};stream=watch`)]
}

const streaming = new Set<Operation['action']>(['list', 'watch', 'watchlist'])
