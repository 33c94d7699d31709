import { OptiFlowError } from '../base/errors.ts'
import type { FieldError } from './field-error.ts'
import { resourceName } from './kind.ts'
import type { Status, StatusCause, StatusDetails } from './types/meta-v1.ts'

/** Each reason's HTTP status, and whether the same request may succeed later. */
export const reasons = {
  BadRequest: { code: 400, retry: false },
  Unauthorized: { code: 401, retry: false },
  Forbidden: { code: 403, retry: false },
  NotFound: { code: 404, retry: false },
  MethodNotAllowed: { code: 405, retry: false },
  NotAcceptable: { code: 406, retry: false },
  AlreadyExists: { code: 409, retry: false },
  Conflict: { code: 409, retry: false },
  Gone: { code: 410, retry: false },
  Expired: { code: 410, retry: false },
  RequestEntityTooLarge: { code: 413, retry: false },
  UnsupportedMediaType: { code: 415, retry: false },
  Invalid: { code: 422, retry: false },
  TooManyRequests: { code: 429, retry: true },
  InternalError: { code: 500, retry: false },
  ServerTimeout: { code: 500, retry: true },
  StoreUnavailable: { code: 500, retry: true },
  ServiceUnavailable: { code: 503, retry: true },
  Timeout: { code: 504, retry: true },
} as const

export type Reason = keyof typeof reasons

/** A refusal of the API server, on both sides of the wire: the server throws it, the client rethrows it. */
export class ApiError extends OptiFlowError {
  readonly reason: string
  readonly code: number
  readonly details: StatusDetails | undefined
  /** metadata.continue of the Status, with 410. */
  readonly continueToken: string | undefined

  constructor(
    reason: string,
    message: string,
    options: { code?: number; details?: StatusDetails; continueToken?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    // A class that names itself is called otherwise in a bundle.
    this.name = 'ApiError'
    this.reason = reason
    this.code = options.code ?? reasons[reason as Reason]?.code ?? 500
    this.details = options.details
    this.continueToken = options.continueToken
  }

  /** True when the same request may succeed later, unchanged. */
  get retriable(): boolean {
    return reasons[this.reason as Reason]?.retry ?? this.code >= 500
  }

  toStatus(): Status {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.continueToken ? { continue: this.continueToken } : {},
      status: 'Failure',
      message: this.message,
      ...(this.reason ? { reason: this.reason } : {}),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }

  static fromStatus(status: Status): ApiError {
    return new ApiError(status.reason ?? '', status.message ?? `the server answered ${status.code}`, {
      code: status.code ?? 500,
      ...(status.details ? { details: status.details } : {}),
      ...(status.metadata?.continue ? { continueToken: status.metadata.continue } : {}),
    })
  }

  /** What a reply of `code` says, even when a proxy in between answered in prose. */
  static fromReply(code: number, text: string): ApiError {
    try {
      const status = JSON.parse(text) as Status | null
      if (status?.kind === 'Status' || status?.status === 'Failure')
        return ApiError.fromStatus({ ...status, code: status.code ?? code })
    } catch {
      // Not JSON: the text itself is all there is to say.
    }
    const prose = text.trim() === '404 page not found' ? notServed : text.trim().slice(0, 500)
    return new ApiError(reasonsOfProse[code] ?? 'InternalError', prose || `HTTP status ${code}`, { code })
  }
}

/** What clients say where nothing at all is served at a path. */
const notServed = 'the server could not find the requested resource'

/** The reasons of replies that name none. */
const reasonsOfProse: Record<number, Reason> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
}

type Resource = { group: string; plural: string; kind: string }

const detailsOf = (r: Resource, name: string): StatusDetails => ({
  name,
  ...(r.group ? { group: r.group } : {}),
  kind: r.plural,
})

export const notFoundError = (r: Resource, name: string) =>
  new ApiError('NotFound', `${resourceName(r)} "${name}" not found`, { details: detailsOf(r, name) })

/** @param leaving what is there is being deleted */
export const alreadyExistsError = (r: Resource, name: string, leaving = false) =>
  new ApiError(
    'AlreadyExists',
    `${leaving ? 'object is being deleted: ' : ''}${resourceName(r)} "${name}" already exists`,
    { details: detailsOf(r, name) },
  )

export const conflictError = (r: Resource, name: string, why: string) =>
  new ApiError('Conflict', `Operation cannot be fulfilled on ${resourceName(r)} "${name}": ${why}`, {
    details: detailsOf(r, name),
  })

/** The text of every lost optimistic lock; clients match on it. */
export const objectModified =
  'the object has been modified; please apply your changes to the latest version and try again'

export function invalidError(r: Resource, name: string, errors: FieldError[]): ApiError {
  const causes: StatusCause[] = errors.map(e => ({ reason: e.reason, message: e.message, field: e.field }))
  // What is found twice is a cause twice, but is told once.
  const texts = [...new Set(errors.map(e => `${e.field}: ${e.message}`))]
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  const qualified = r.group ? `${r.kind}.${r.group}` : r.kind
  return new ApiError('Invalid', `${qualified} "${name}" is invalid: ${text}`, {
    details: {
      ...(name ? { name } : {}),
      ...(r.group ? { group: r.group } : {}),
      ...(r.kind ? { kind: r.kind } : {}),
      causes,
    },
  })
}

export const badRequest = (message: string) => new ApiError('BadRequest', message)

export const isNotFound = (e: unknown): e is ApiError => e instanceof ApiError && e.code === 404
export const isConflict = (e: unknown): e is ApiError => e instanceof ApiError && e.reason === 'Conflict'
export const isAlreadyExists = (e: unknown): e is ApiError => e instanceof ApiError && e.reason === 'AlreadyExists'
/** Nothing can be created in the namespace any more, and nothing needs to be. */
export const isNamespaceTerminating = (e: unknown): e is ApiError =>
  e instanceof ApiError && (e.details?.causes ?? []).some(cause => cause.reason === 'NamespaceTerminating')
/** What is stored cannot be decoded; of a watch: what is deleted could not. */
export const isStorageReadError = (e: unknown): e is ApiError =>
  e instanceof ApiError && e.reason === 'StorageReadError'
export const isExpired = (e: unknown): e is ApiError => e instanceof ApiError && e.code === 410
