import { canonicalJson, sameMeaning } from '../base/equality.ts'
import type { PodTemplateSpec } from '../models/types/core-v1.ts'

export const templateHashLabel = 'pod-template-hash'

const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** FNV-1a, 32 bits. */
export function fnv32a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}

/** A number's digits as letters that spell no words and are safe in names and labels. */
export function safeEncode(text: string): string {
  return [...Buffer.from(text)].map(byte => alphabet[byte % alphabet.length]).join('')
}

/**
 * A short name for a value, the same whatever the order of its fields.
 * @param collisions how often this hash was taken by something else
 */
export function stableHash(value: unknown, collisions = 0): string {
  const text = canonicalJson(value) + (collisions ? `#${collisions}` : '')
  return safeEncode(String(fnv32a(text)))
}

/** Whether two templates make the same pods. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return sameMeaning(withoutHash(a), withoutHash(b))
}

/** As a Deployment has it, whose template bears no hash. */
export function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  if (!template?.metadata?.labels?.[templateHashLabel]) return template
  const { [templateHashLabel]: _, ...labels } = template.metadata.labels
  return { ...template, metadata: { ...template.metadata, labels } }
}
