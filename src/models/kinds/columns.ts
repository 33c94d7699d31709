import type { Column } from '../kind.ts'
import type { KubeObject } from '../object.ts'
import type { LabelSelector } from '../types/meta-v1.ts'
import { labelsText, selectorText } from './selector-text.ts'

/** A column of text; `wide` ones show with -o wide only. */
export function text<T extends KubeObject>(name: string, cell: Column<T>['cell'], wide?: 'wide'): Column<T> {
  return { name, type: 'string', cell, ...(wide ? { priority: 1 } : {}) }
}

/** A column of whole numbers. */
export function integer<T extends KubeObject>(name: string, cell: (object: T) => number | undefined): Column<T> {
  return { name, type: 'integer', cell: object => cell(object) ?? 0 }
}

/** A column of whole numbers which Kubernetes calls text. */
export function count<T extends KubeObject>(name: string, cell: (object: T) => number | undefined): Column<T> {
  return { name, type: 'string', cell: object => cell(object) ?? 0 }
}

/** A column of true and false. */
export function boolean<T extends KubeObject>(name: string, cell: (object: T) => boolean | undefined): Column<T> {
  return { name, type: 'boolean', cell: object => cell(object) ?? false }
}

/** How long ago the object was created; for kinds with columns after it (`ownAge`). */
export const age: Column<any> = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created',
  cell: (object: KubeObject, nowMs) => sinceText(object.metadata.creationTimestamp, nowMs),
}

/** When the object was created, for the kinds that print the date itself. */
export const createdAt: Column<any> = {
  name: 'Created At',
  type: 'date',
  cell: (object: KubeObject) => object.metadata.creationTimestamp ?? '<unknown>',
}

/** The name, for kinds that place or decorate it themselves (`ownName`). */
export function nameColumn<T extends KubeObject>(cell: (object: T) => string, wide?: 'wide'): Column<T> {
  return { name: 'Name', type: 'string', format: 'name', cell, ...(wide ? { priority: 1 } : {}) }
}

interface Containers {
  spec?: { containers?: { name: string; image?: string }[] }
}

/** The wide columns of every kind with a pod template: its containers' names and images. */
export function containerColumns<T extends KubeObject>(template: (object: T) => Containers | undefined): Column<T>[] {
  const join = (object: T, field: 'name' | 'image') =>
    (template(object)?.spec?.containers ?? []).map(c => c[field] ?? '').join(',')
  return [
    text('Containers', object => join(object, 'name'), 'wide'),
    text('Images', object => join(object, 'image'), 'wide'),
  ]
}

/** `a=1,b=2`, or `<none>`. */
export function labelsCell(labels: Record<string, string> | undefined): string {
  return labelsText(labels) || '<none>'
}

/** A LabelSelector as a query, or `<none>`. */
export function selectorCell(selector: LabelSelector | undefined): string {
  return selectorText(selector) || '<none>'
}

/** At most `max` of the items, then how many were left out. */
export function firstFew(items: string[], max = 3, separator = ','): string {
  const shown = items.slice(0, max).join(separator)
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown
}

/** `5m`, or `<unknown>` for a time that is not set. */
export function sinceText(time: string | undefined, nowMs: number): string {
  return time ? durationText(nowMs - Date.parse(time)) : '<unknown>'
}

/**
 * A duration for people, with two units where the second still matters: `45s`, `3m20s`, `90m`, `5h12m`, `2d4h`, `3y20d`.
 * @param ms milliseconds; less than −1 s is `<invalid>`
 */
export function durationText(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const two = (whole: number, unit: string, rest: number, restUnit: string) =>
    rest ? `${whole}${unit}${rest}${restUnit}` : `${whole}${unit}`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return two(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return two(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (days < 8) return two(days, 'd', hours % 24, 'h')
  if (days < 730) return `${days}d`
  const years = Math.floor(days / 365)
  if (years < 8) return two(years, 'y', days % 365, 'd')
  return `${years}y`
}
