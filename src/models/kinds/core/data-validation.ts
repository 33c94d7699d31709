import { base64Length } from '../../../base/base64.ts'
import { sameMeaning } from '../../../base/equality.ts'
import { isConfigMapKey } from '../../../base/names.ts'
import { type FieldError, forbidden, invalid, required, tooLong } from '../../field-error.ts'
import type { ConfigMap, Secret } from '../../types/core-v1.ts'
import { texts } from '../checks.ts'

const maxBytes = 1024 * 1024
const frozen = 'field is immutable when `immutable` is set'

export function validateConfigMap(next: ConfigMap, previous?: ConfigMap): FieldError[] {
  const { data = {}, binaryData = {} } = next
  const errors: FieldError[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(data)) {
    errors.push(...texts(`data[${key}]`, key, isConfigMapKey(key)))
    if (key in binaryData) {
      const text = 'duplicate of key present in binaryData'
      errors.push(invalid(`data[${key}]`, key, text))
    }
    bytes += new TextEncoder().encode(value).length
  }
  for (const [key, value] of Object.entries(binaryData)) {
    errors.push(...texts(`binaryData[${key}]`, key, isConfigMapKey(key)))
    bytes += base64Length(value)
  }
  if (bytes > maxBytes) errors.push(tooLong('data', maxBytes))
  if (previous?.immutable) {
    if (!next.immutable) errors.push(forbidden('immutable', frozen))
    if (!sameMeaning(next.data, previous.data)) errors.push(forbidden('data', frozen))
    if (!sameMeaning(next.binaryData, previous.binaryData)) errors.push(forbidden('binaryData', frozen))
  }
  return errors
}

export function validateSecret(next: Secret, previous?: Secret): FieldError[] {
  const errors: FieldError[] = []
  let bytes = 0
  for (const [key, value] of Object.entries(next.data ?? {})) {
    errors.push(...texts(`data[${key}]`, key, isConfigMapKey(key)))
    bytes += base64Length(value)
  }
  if (bytes > maxBytes) errors.push(tooLong('data', maxBytes))
  errors.push(...checkOfType(next))
  if (!previous) return errors
  if (next.type !== previous.type) errors.push(invalid('type', next.type, 'field is immutable'))
  if (previous.immutable) {
    if (!next.immutable) errors.push(forbidden('immutable', frozen))
    if (!sameMeaning(next.data, previous.data)) errors.push(forbidden('data', frozen))
  }
  return errors
}

/** What each type of secret must hold. */
function checkOfType({ type, data = {}, metadata }: Secret): FieldError[] {
  const needs = (...keys: string[]) => keys.filter(key => !data[key]).map(key => required(`data[${key}]`))
  switch (type) {
    case 'kubernetes.io/service-account-token':
      return metadata.annotations?.['kubernetes.io/service-account.name']
        ? []
        : [required('metadata.annotations[kubernetes.io/service-account.name]')]
    case 'kubernetes.io/dockercfg':
      return [...needs('.dockercfg'), ...checkJson('.dockercfg', data['.dockercfg'])]
    case 'kubernetes.io/dockerconfigjson':
      return [...needs('.dockerconfigjson'), ...checkJson('.dockerconfigjson', data['.dockerconfigjson'])]
    case 'kubernetes.io/basic-auth':
      return 'username' in data || 'password' in data ? [] : [required('data[username]'), required('data[password]')]
    case 'kubernetes.io/ssh-auth':
      return needs('ssh-privatekey')
    case 'kubernetes.io/tls':
      return ['tls.crt', 'tls.key'].filter(key => !(key in data)).map(key => required(`data[${key}]`))
    default:
      return []
  }
}

function checkJson(key: string, base64: string | undefined): FieldError[] {
  if (!base64) return []
  try {
    JSON.parse(atob(base64))
    return []
  } catch {
    // The parser's own message would quote the secret.
    return [invalid(`data[${key}]`, '<secret contents redacted>', 'must be JSON')]
  }
}
