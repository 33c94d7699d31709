import { type ApiError, badRequest } from '../../models/api-error.ts'
import { encodeJson } from '../../models/encode-json.ts'
import { jsonFault } from '../../models/json-fault.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import { jsonKind } from '../../models/patch/go-print.ts'
import type { FieldValidation } from '../../models/schema/index.ts'

/** A text that is no JSON at all, in the words of Kubernetes. @returns undefined if it is JSON */
export function noJson(kind: Kind<any>, body: Uint8Array): ApiError | undefined {
  const fault = jsonFault(body)
  return fault === undefined ? undefined : unrecognized(kind, `${noType} json parse error: ${fault}`, body)
}

/**
 * Refuses what does not tell what it is: the type of a built-in kind is taken from the path if it says none, of a custom
 * resource it must be said.
 * @throws ApiError BadRequest
 */
export function refuseUntold(
  kind: Kind<any>,
  value: unknown,
  { body, fieldValidation }: { body: Uint8Array; fieldValidation: FieldValidation },
): void {
  const said = (value ?? {}) as { apiVersion?: unknown; kind?: unknown }
  if (typeof said !== 'object' || Array.isArray(said))
    throw unrecognized(kind, `${unmarshal(said)} into Go value of type ${typeMeta}`, body)
  for (const [field, text] of Object.entries(said))
    if ((field === 'apiVersion' || field === 'kind') && text !== null && typeof text !== 'string')
      throw unrecognized(kind, `${unmarshal(text)} into Go struct field .${field} of type string`, body)
  if (!kind.custom) return
  if (!said.kind) {
    const why = `Object 'Kind' is missing in '${encodeJson(value)}'`
    if (fieldValidation !== 'Ignore') throw unrecognized(kind, why, body)
    throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`)
  }
  if (!said.apiVersion)
    throw badRequest(`the API version in the data () does not match the expected API version (${apiVersionOf(kind)})`)
}

const noType = "couldn't get version/kind;"
const unmarshal = (value: unknown) => `${noType} json parse error: json: cannot unmarshal ${jsonKind(value)}`
const typeMeta =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'

const unrecognized = (kind: Kind<any>, why: string, body: Uint8Array): ApiError =>
  badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): ${why} (${summary(body)})`)

/** So many bytes of a body are shown. */
const shownBytes = 30

function summary(body: Uint8Array): string {
  const shown = Buffer.from(body.subarray(0, shownBytes))
  const text = body[0] === '{'.charCodeAt(0) ? shown.toString('utf8') : shown.toString('hex')
  return body.length > shownBytes ? `${text} ...` : text
}
