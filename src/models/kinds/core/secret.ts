import { textToBase64 } from '../../../base/base64.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { count, text } from '../columns.ts'
import { validateSecret } from './data-validation.ts'
import { tlsWarnings } from './tls-warnings.ts'

export type Secret = core.Secret

/** What is written in `stringData` is kept in `data`. */
function defaultSecret(secret: core.Secret): void {
  secret.type ||= 'Opaque'
  if (!secret.stringData) return
  const texts = Object.entries(secret.stringData).map(([key, text]) => [key, textToBase64(text)])
  secret.data = { ...secret.data, ...Object.fromEntries(texts) }
  delete secret.stringData
}

export const Secret = defineKind<core.Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  scope: 'Namespaced',
  schema: 'core/v1.Secret',
  noGeneration: true,
  unconditionalUpdate: true,
  fields: { type: secret => secret.type ?? '' },
  columns: [text('Type', secret => secret.type ?? ''), count('Data', secret => Object.keys(secret.data ?? {}).length)],
  defaults: defaultSecret,
  checksMetadataAgain: true,
  validate: validateSecret,
  warnings: ({ type, data }) => (type === 'kubernetes.io/tls' ? tlsWarnings(data) : []),
})
