import { base64ToText } from '../base/base64.ts'
import type { Secret } from './types/core-v1.ts'

/** Secrets that let nodes in; see kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens. */
export const bootstrapTokenType = 'bootstrap.kubernetes.io/token'
export const bootstrapTokenNamespace = 'kube-system'

/** A value of a Secret as text; '' when it is not there. */
export function secretText({ data }: Secret, key: string): string {
  const value = data && Object.hasOwn(data, key) ? data[key] : undefined
  return value === undefined ? '' : base64ToText(value)
}

/** When the token ends, in milliseconds of wall time: Infinity for never, 0 when what is written is no time. */
export function bootstrapTokenEndMs(secret: Secret): number {
  const text = secretText(secret, 'expiration')
  return text === '' ? Number.POSITIVE_INFINITY : Date.parse(text) || 0
}

export function bootstrapTokenExpired(secret: Secret, nowMs: number): boolean {
  return bootstrapTokenEndMs(secret) <= nowMs
}
