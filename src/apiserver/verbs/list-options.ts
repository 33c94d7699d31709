import { ApiError, badRequest } from '../../models/api-error.ts'
import type { StatusCause } from '../../models/types/meta-v1.ts'
import { parseRevision } from './revision.ts'

export interface ListOptions {
  /** 0: no limit. */
  limit: number
  continue: ContinueToken | undefined
  /** '': newest. */
  resourceVersion: string
  match: '' | 'Exact' | 'NotOlderThan'
}

/** Where the next page starts. */
export interface ContinueToken {
  /** Revision of the first page; -1: the newest, since the first page's is gone. */
  revision: number
  /** The key's part after the resource's prefix: `namespace/name`. */
  after: string
  /** When the first page was read, in milliseconds since 1970; undefined of pages that do not grow old: those of the past. */
  begunMs?: number | undefined
}

/** @throws ApiError Invalid, BadRequest */
export function listOptions(query: URLSearchParams): ListOptions {
  const resourceVersion = query.get('resourceVersion') ?? ''
  const match = query.get('resourceVersionMatch') ?? ''
  const token = query.get('continue') ?? ''
  const limitText = query.get('limit') ?? ''
  if (!/^-?\d*$/.test(limitText))
    throw badRequest(`limit: Invalid value: ${JSON.stringify(limitText)}: must be a whole number`)
  const limit = Math.max(Number(limitText), 0)
  timeoutSeconds(query)
  if (query.has('sendInitialEvents'))
    throw invalidListOptions('sendInitialEvents', 'Forbidden: sendInitialEvents is forbidden for list')
  if (match !== '') {
    if (match !== 'Exact' && match !== 'NotOlderThan')
      throw invalidListOptions(
        'resourceVersionMatch',
        `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`,
      )
    if (token)
      throw invalidListOptions(
        'resourceVersionMatch',
        'Forbidden: resourceVersionMatch is forbidden when continue is provided',
      )
    if (resourceVersion === '')
      throw invalidListOptions(
        'resourceVersionMatch',
        'Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
      )
    if (match === 'Exact' && resourceVersion === '0')
      throw invalidListOptions(
        'resourceVersionMatch',
        'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
      )
  }
  if (resourceVersion) parseRevision(resourceVersion)
  if (token && resourceVersion && resourceVersion !== '0')
    throw badRequest('specifying resource version is not allowed when using continue')
  return {
    limit,
    continue: token ? decodeToken(token) : undefined,
    resourceVersion,
    match,
  }
}

/** Longer than this is no timer of ours: a day. */
const maxTimeoutSeconds = 86_400

/** How long a watch may go on; 0: as the server likes. @throws ApiError BadRequest */
export function timeoutSeconds(query: URLSearchParams): number {
  const text = query.get('timeoutSeconds') ?? ''
  if (text === '') return 0
  if (!/^-?\d{1,19}$/.test(text))
    throw badRequest(`timeoutSeconds: Invalid value: ${JSON.stringify(text)}: must be a whole number`)
  return Math.min(Number(text), maxTimeoutSeconds)
}

export function encodeToken(token: ContinueToken): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: `${token.after}\u0000`, begun: token.begunMs }),
  ).toString('base64url')
}

function decodeToken(text: string): ContinueToken {
  try {
    const { v, rv, start, begun } = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (v !== 'meta.k8s.io/v1' || !Number.isSafeInteger(rv) || typeof start !== 'string' || !start.endsWith('\u0000'))
      throw new Error('unexpected content')
    if (begun !== undefined && typeof begun !== 'number') throw new Error('unexpected time')
    const after = start.slice(0, -1)
    if (after.startsWith('/') || after.split('/').some(s => s === '..' || s === ''))
      throw new Error('invalid start key')
    return { revision: rv, after, begunMs: begun }
  } catch (cause) {
    throw new ApiError('BadRequest', `continue key is not valid: ${(cause as Error).message}`, { cause })
  }
}

export function invalidListOptions(field: string, message: string): ApiError {
  const causes: StatusCause[] = [
    { reason: message.startsWith('Unsupported') ? 'FieldValueNotSupported' : 'FieldValueForbidden', message, field },
  ]
  return new ApiError('Invalid', `ListOptions.meta.k8s.io "" is invalid: ${field}: ${message}`, {
    details: { group: 'meta.k8s.io', kind: 'ListOptions', causes },
  })
}
