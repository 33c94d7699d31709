import { resolve } from 'node:path'
import { parseGoDuration } from '../../models/go-duration.ts'
import type { FieldOrigin, HonouredField } from './field.ts'

// One form for each type that a field may have: a value of YAML in, the text of our setting out.

type Form = HonouredField['text']

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const text: Form = value => {
  if (typeof value !== 'string') throw new Error('is not a text')
  return value || undefined
}

/** Kubelet takes a path that does not begin with `/` from the folder of the file. */
export const path: Form = (value, from) => {
  const given = text(value, from)
  return given && resolve(from.folder, given)
}

export const bool: Form = value => {
  if (typeof value !== 'boolean') throw new Error('is not true or false')
  return String(value)
}

export const number: Form = value => {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new Error('is not a whole number')
  return String(value)
}

export const duration: Form = value => {
  if (typeof value !== 'string' || parseGoDuration(value) === undefined)
    throw new Error('is not a duration such as 30s or 1m30s')
  return value
}

/** Of fields whose zero is kubelet's way to say nothing. */
export const unlessZero =
  (form: Form): Form =>
  (value, from) => {
    const given = form(value, from)
    return given === undefined || given === '0' || parseGoDuration(given) === 0 ? undefined : given
  }

export const list: Form = value => {
  if (!Array.isArray(value) || !value.every(item => typeof item === 'string')) throw new Error('is not a list of texts')
  return value.join(',')
}

/** `{memory.available: 100Mi}` as `memory.available<100Mi`. */
export const pairs =
  (sign: '=' | '<'): Form =>
  value => {
    if (!isMap(value)) throw new Error('is not a map')
    return Object.entries(value)
      .map(([key, item]) => {
        if (!['string', 'number', 'boolean'].includes(typeof item)) throw new Error(`is not a map of texts: see ${key}`)
        return `${key}${sign}${item}`
      })
      .join(',')
  }

/** An empty list of what is enforced enforces nothing. */
export const enforced: Form = (value, from) => list(value, from) || 'none'

/** Control groups are named from the root on. */
export const group: Form = (value, from) => text(value, from)?.replace(/^(?!\/)/, '/')

const eachOf = (value: unknown, form: (item: Record<string, unknown>) => string, apart: string): string => {
  if (!Array.isArray(value) || !value.every(isMap)) throw new Error('is not a list of maps')
  return value.map(form).join(apart)
}

export const taints: Form = value =>
  eachOf(value, ({ key, value: of, effect }) => `${key}${of ? `=${of}` : ''}:${effect}`, ',')

export const memoryOfNodes: Form = (value, from: FieldOrigin) =>
  eachOf(value, ({ numaNode, limits }) => `${numaNode}:${pairs('=')(limits, from)}`, ';')

export const gracePeriods: Form = value =>
  eachOf(value, ({ priority, shutdownGracePeriodSeconds: s }) => `${priority}=${s}s`, ',')
