import { dirname } from 'node:path'
import { closeWords } from '../../base/close-words.ts'
import { applyMergePatch } from '../../models/patch/merge.ts'
import { BadSetting } from '../bad-setting.ts'
import type { FixedField, KubeletField } from './field.ts'
import { fixedFields } from './fixed-fields.ts'
import { honouredFields } from './honoured-fields.ts'

/** Every field of a KubeletConfiguration of Kubernetes 1.32, and what it is here. */
export const kubeletFields: readonly KubeletField[] = [...honouredFields, ...fixedFields]

type Document = Record<string, unknown>

const group = 'kubelet.config.k8s.io/'
const apiVersion = `${group}v1beta1`
const kind = 'KubeletConfiguration'

/** Whether a file of settings is of kubelet's kind, not of ours. */
export const isKubeletFile = (document: Document): boolean =>
  document['kind'] === kind || String(document['apiVersion'] ?? '').startsWith(group)

/** A setting as a file of kubelet's said it; undefined: no longer, as a later one took it back. */
export interface Said {
  setting: string
  text: string | undefined
  /** `maxPods in /etc/kubelet.yaml` */
  where: string
}

/**
 * Files of kind KubeletConfiguration, one after the other. Later ones are merged into those before them as kubelet does with
 * its drop-in files: maps key by key, lists as a whole, null takes back.
 * @see https://kubernetes.io/docs/tasks/administer-cluster/kubelet-config-file/#kubelet-configuration-merging-order
 */
export class KubeletFiles {
  #merged: Document = {}
  /** The file that last said something of a field at the top. */
  readonly #files = new Map<string, string>()

  /** @throws BadSetting for fields that are unknown, or without which the node would be less safe */
  add(document: Document, file: string): Said[] {
    const { apiVersion: version, kind: of, ...fields } = document
    if (of !== kind || version !== apiVersion)
      throw new BadSetting(`${file} is ${of ?? 'of no kind'} of ${version ?? 'no apiVersion'}`, {
        hint: `Of kubelet's files those of apiVersion ${apiVersion} and kind ${kind} are read.`,
      })
    refuseUnknown(fields, file)
    this.#merged = applyMergePatch(this.#merged, fields) as Document
    for (const top of Object.keys(fields)) this.#files.set(top, file)
    return honouredFields
      .filter(({ field }) => top(field) in fields)
      .map(({ field, setting, text }) => {
        const value = valueAt(this.#merged, field)
        const where = `${field} in ${file}`
        try {
          const folder = dirname(file)
          return { setting, where, text: value === undefined ? undefined : text(value, { folder }) }
        } catch (cause) {
          throw new BadSetting(`${where}: ${JSON.stringify(value)} ${(cause as Error).message}`)
        }
      })
  }

  /**
   * What the files say that does not hold here, a sentence each.
   * @throws BadSetting for what must not be passed over
   */
  passedOver(): string[] {
    const all = fixedFields.flatMap(rule => {
      const value = valueAt(this.#merged, rule.field)
      return value === undefined || rule.agrees(value) ? [] : [{ rule, value }]
    })
    const refused = all.find(({ rule }) => rule.refused)
    if (refused)
      throw new BadSetting(this.#sentence(refused.rule, refused.value), { hint: sentenceOf(refused.rule.instead) })
    return all.map(({ rule, value }) => `${this.#sentence(rule, value)}. ${sentenceOf(rule.instead)}`)
  }

  #sentence({ field, holds }: FixedField, value: unknown): string {
    return `${field} in ${this.#files.get(top(field))}: ${shortly(value)} has no effect; here it is: ${holds}`
  }
}

const sentenceOf = (text: string) => `${text[0]!.toUpperCase()}${text.slice(1)}.`

const shortly = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

const top = (field: string): string => field.split('.', 1)[0]!

function valueAt(document: Document, field: string): unknown {
  let value: unknown = document
  for (const part of field.split('.')) value = (value as Document | null | undefined)?.[part]
  return value ?? undefined
}

const names = new Set(kubeletFields.map(({ field }) => field))
/** `authentication`, `authentication.webhook`: what fields are in. */
const parents = new Set(
  kubeletFields.flatMap(({ field }) => {
    const parts = field.split('.')
    return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'))
  }),
)

/** A field that is misspelt would be passed over without a word. */
function refuseUnknown(fields: Document, file: string, below = ''): void {
  for (const [key, value] of Object.entries(fields)) {
    const field = `${below}${key}`
    if (names.has(field)) continue
    if (parents.has(field)) {
      if (value === null) continue
      if (typeof value === 'object' && !Array.isArray(value)) {
        refuseUnknown(value as Document, file, `${field}.`)
        continue
      }
      throw new BadSetting(`${field} in ${file}: ${shortly(value)} is not a map`)
    }
    const close = closeWords(field, [...names, ...parents])
    throw new BadSetting(`${file} has a field ${JSON.stringify(field)} that kubelet 1.32 has not`, {
      hint: close.length ? `Did you mean ${close.slice(0, 3).join(', ')}?` : 'Take it out.',
    })
  }
}
