import { ApiError, badRequest } from '../../models/api-error.ts'
import { decodeUtf8, type Parsed, parseJson } from '../../models/json.ts'
import { protobufType } from '../../models/protobuf/index.ts'
import type { ApiRequest } from '../../models/rest.ts'
import { parseYaml } from '../../models/yaml.ts'
import { maxBodyBytes } from './limits.ts'
import { objectTypes } from './media-types.ts'

export type BodyForm = 'json' | 'yaml' | 'protobuf'

/** The media type of the body without its parameters, in lower case; '' if none was given. */
export function bodyType(request: ApiRequest): string {
  const type = request.headers['content-type'] ?? ''
  const end = type.indexOf(';')
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase()
}

/** @throws ApiError UnsupportedMediaType */
export function bodyForm(request: ApiRequest): BodyForm {
  const type = bodyType(request)
  if (type === 'application/json' || type === '' || type === '*/*') return 'json'
  if (type === protobufType) return 'protobuf'
  if (type === 'application/yaml' || type === 'application/x-yaml' || type === 'text/yaml') return 'yaml'
  throw unsupportedMediaType(type, objectTypes)
}

export function unsupportedMediaType(type: string, accepted: readonly string[]): ApiError {
  return new ApiError(
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    { cause: new Error(`content type ${JSON.stringify(type)}`) },
  )
}

/** @throws ApiError BadRequest, RequestEntityTooLarge */
export function checkedBody(request: ApiRequest): Uint8Array {
  const body = request.body
  if (!body || body.length === 0) throw badRequest('the request has no body: send the object as JSON, YAML or protobuf')
  if (body.length > maxBodyBytes)
    throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`)
  return body
}

/** The value that a JSON or YAML body stands for. @throws ApiError BadRequest */
export function parseBody(form: 'json' | 'yaml', body: Uint8Array, duplicates: boolean): Parsed {
  return form === 'json'
    ? parseJson(body, { duplicates, exactIntegers: true })
    : parseYaml(decodeUtf8(body), { duplicates, exactIntegers: true })
}
