import { ApiError } from '../../../models/api-error.ts'
import type { Status } from '../../../models/types/meta-v1.ts'
import { checkTypes } from './response-types.ts'

/** What a webhook said. */
export interface Verdict {
  allowed: boolean
  status: Partial<Status> | undefined
  /** The text of a JSON patch. */
  patch: string | undefined
  warnings: string[]
  auditAnnotations: Record<string, string>
}

/** An answer that is none: subject to the failure policy, as if none had come. */
export class InvalidResponse extends Error {}

/** A kind of patch that nobody knows: subject to the failure policy too. */
export class UnsupportedPatch extends Error {}

interface Response {
  uid?: unknown
  allowed?: unknown
  status?: Partial<Status>
  patch?: unknown
  patchType?: unknown
  warnings?: unknown
  auditAnnotations?: unknown
}

/** @throws InvalidResponse, UnsupportedPatch, CallFailed */
export function readResponse(review: unknown, uid: string, version: string, mutating: boolean): Verdict {
  checkTypes(review, version)
  const { kind, apiVersion, response } = (isRecord(review) ? review : {}) as Record<string, unknown>
  if (!isRecord(response)) throw new InvalidResponse('webhook response was absent')
  const said: Response = response
  if (version === 'v1') {
    checkIdentity(said, kind, apiVersion, uid)
    if (!mutating) refusePatch(said)
  }
  return {
    allowed: said.allowed === true,
    status: isRecord(said.status) ? said.status : undefined,
    patch: mutating ? readPatch(said, version) : undefined,
    warnings: Array.isArray(said.warnings) ? said.warnings.filter(w => typeof w === 'string') : [],
    auditAnnotations: isRecord(said.auditAnnotations) ? (said.auditAnnotations as Record<string, string>) : {},
  }
}

function checkIdentity(said: Response, kind: unknown, apiVersion: unknown, uid: string): void {
  if (said.uid !== uid)
    throw new InvalidResponse(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(said.uid ?? '')}`)
  if (kind !== 'AdmissionReview' || apiVersion !== 'admission.k8s.io/v1')
    throw new InvalidResponse(
      `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${groupVersion(apiVersion)}, Kind=${kind ?? ''}`,
    )
}

function groupVersion(apiVersion: unknown): string {
  const said = String(apiVersion ?? '')
  return said.includes('/') ? said : `/${said}`
}

function refusePatch({ patch, patchType }: Response): void {
  if (patch) throw new InvalidResponse('validating webhook may not return response.patch')
  if (patchType !== undefined && patchType !== null)
    throw new InvalidResponse('validating webhook may not return response.patchType')
}

function readPatch({ allowed, patch, patchType }: Response, version: string): string | undefined {
  const given = typeof patch === 'string' && patch !== ''
  const type = version === 'v1' ? (patchType ?? undefined) : given ? 'JSONPatch' : undefined
  if (given && type === undefined)
    throw new InvalidResponse('webhook returned response.patch but not response.patchType')
  if (!given && type !== undefined)
    throw new InvalidResponse('webhook returned response.patchType but not response.patch')
  if (type === '') throw new InvalidResponse('webhook returned invalid response.patchType of ""')
  if (!given || allowed !== true) return undefined
  if (type !== 'JSONPatch') throw new UnsupportedPatch(`unsupported patch type ${JSON.stringify(type)}`)
  return Buffer.from(patch, 'base64').toString()
}

/** The refusal of a webhook, as its writer sees it. */
export function denial(webhook: string, status: Partial<Status> = {}): ApiError {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const why = status.message || status.reason
  const code = typeof status.code === 'number' && status.code >= 400 && status.code < 1000 ? status.code : 400
  return new ApiError(status.reason ?? '', why ? `${by}: ${why}` : `${by} without explanation`, {
    code,
    ...(status.details ? { details: status.details } : {}),
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
