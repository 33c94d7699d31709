import { CallFailed } from '../../outgoing/call-failed.ts'

/** What the JSON of an AdmissionReview's response must be; the text names types as Go's decoder does. */
const fields: readonly (readonly [path: string, type: string, is: (value: unknown) => boolean])[] = [
  ['uid', 'types.UID', isText],
  ['allowed', 'bool', value => typeof value === 'boolean'],
  ['status', 'v1.Status', isRecord],
  ['status.message', 'string', isText],
  ['status.reason', 'v1.StatusReason', isText],
  ['status.code', 'int32', value => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31],
  ['patchType', 'PatchType', isText],
  ['auditAnnotations', 'map[string]string', isRecord],
  ['warnings', '[]string', Array.isArray],
]

/**
 * The body as an AdmissionReview's fields, their types checked: a webhook that says `"allowed": "true"` has said nothing.
 * @throws CallFailed
 */
export function checkTypes(review: unknown, version: string): void {
  if (review === null || review === undefined) return
  if (!isRecord(review)) throw mismatch(review, 'Go value', 'admission.AdmissionReview')
  const { response } = review
  if (response === undefined || response === null) return
  if (!isRecord(response))
    throw mismatch(response, 'Go struct field AdmissionReview.response', `${version}.AdmissionResponse`)
  for (const [path, type, is] of fields) {
    const [field, part] = path.split('.') as [string, string?]
    const value = part ? (response[field] as Record<string, unknown> | null | undefined)?.[part] : response[field]
    if (value === undefined || value === null || is(value)) continue
    const owner = part ? 'Status' : 'AdmissionResponse'
    const named = type === 'PatchType' ? `${version}.PatchType` : type
    throw mismatch(value, `Go struct field ${owner}.response.${path}`, named)
  }
  checkElements(response, 'auditAnnotations')
  checkElements(response, 'warnings')
  checkPatch(response['patch'])
}

function checkElements(response: Record<string, unknown>, field: string): void {
  for (const value of Object.values(response[field] ?? {}))
    if (value !== null && !isText(value))
      throw mismatch(value, `Go struct field AdmissionResponse.response.${field}`, 'string')
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function checkPatch(patch: unknown): void {
  if (patch === undefined || patch === null) return
  if (!isText(patch)) throw mismatch(patch, 'Go struct field AdmissionResponse.response.patch', '[]uint8')
  const text = patch.replace(/[\r\n]/g, '')
  if (base64.test(text)) return
  const bad = text.search(/[^A-Za-z0-9+/]/)
  throw failed(`illegal base64 data at input byte ${bad < 0 ? text.length - (text.length % 4) : bad}`)
}

function mismatch(value: unknown, where: string, type: string): CallFailed {
  const number = typeof value === 'number' && type === 'int32' ? `number ${value}` : jsonType(value)
  return failed(`json: cannot unmarshal ${number} into ${where} of type ${type}`)
}

function failed(why: string): CallFailed {
  return new CallFailed(why, { status: 200 })
}

function jsonType(value: unknown): string {
  if (typeof value === 'boolean') return 'bool'
  return Array.isArray(value) ? 'array' : typeof value === 'bigint' ? 'number' : typeof value
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
