import { integerProblem } from '../../base/go-integer.ts'
import { flag } from '../../base/query-flag.ts'
import { type ApiError, badRequest, invalidError } from '../../models/api-error.ts'
import { type FieldError, forbidden, notSupported } from '../../models/field-error.ts'
import { jsonFault } from '../../models/json-fault.ts'
import { jsonKind } from '../../models/patch/go-print.ts'
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
  const limit = Math.max(wholeNumber(query, 'limit'), 0)
  timeoutSeconds(query)
  refuseIf(matchErrors(query, resourceVersion, match))
  // Where a revision of its own is read, the store itself is asked for it, and says otherwise what is wrong.
  const exact = match === 'Exact' || (match === '' && limit > 0)
  const next = token ? decodeToken(token) : undefined
  if (next && resourceVersion && resourceVersion !== '0')
    throw badRequest('specifying resource version is not allowed when using continue')
  if (resourceVersion) parseRevision(resourceVersion, exact ? 'store' : 'cache')
  return {
    limit,
    continue: next,
    resourceVersion,
    match: match as ListOptions['match'],
  }
}

const matchField = 'resourceVersionMatch'

function matchErrors(query: URLSearchParams, resourceVersion: string, match: string): FieldError[] {
  const errors: FieldError[] = []
  if (match !== '') {
    if (resourceVersion === '')
      errors.push(forbidden(matchField, 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if (query.get('continue')) errors.push(withContinue)
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(notSupported(matchField, match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && resourceVersion === '0')
      errors.push(forbidden(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
  if (query.has('sendInitialEvents'))
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  return errors
}

const withContinue = forbidden(matchField, 'resourceVersionMatch is forbidden when continue is provided')

/** What a watch begins with: nothing, or everything there is. */
export type Initial = 'none' | 'objects'

/** @param from the revision that it starts at; 0: none is named @throws ApiError Invalid */
export function initialOf(query: URLSearchParams, from: number): Initial {
  const meant = meansInitial(query)
  const match = meant ? 'NotOlderThan' : (query.get(matchField) ?? '')
  const asked = meant || query.has('sendInitialEvents')
  const errors: FieldError[] = []
  if (asked && match !== 'NotOlderThan')
    errors.push(forbidden(matchField, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  if (match !== '') {
    if (!asked)
      errors.push(
        forbidden(matchField, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
      )
    if (match !== 'NotOlderThan') errors.push(notSupported(matchField, match, ['NotOlderThan']))
    if (query.get('continue')) errors.push(withContinue)
  }
  refuseIf(errors)
  if (meant || !asked) return from === 0 ? 'objects' : 'none'
  return flag(query, 'sendInitialEvents') ? 'objects' : 'none'
}

/** Who names no revision asks for everything there is, and is judged as if sendInitialEvents were there. */
function meansInitial(query: URLSearchParams): boolean {
  if (query.has('sendInitialEvents') || query.get(matchField)) return false
  const resourceVersion = query.get('resourceVersion') ?? ''
  return resourceVersion === '' || resourceVersion === '0'
}

/** Whether a watch takes the place of a list: it begins with everything there is, and a bookmark says where that ends. */
export const takesPlaceOfList = (query: URLSearchParams): boolean =>
  flag(query, 'allowWatchBookmarks') && (meansInitial(query) || flag(query, 'sendInitialEvents'))

function refuseIf(errors: FieldError[]): void {
  if (errors.length)
    throw invalidError({ group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' }, '', errors)
}

/** Longer than this is no timer of ours: a day. */
const maxTimeoutSeconds = 86_400

/** A limit means nothing to a watch, but is read. @throws ApiError BadRequest */
export function refuseLimit(query: URLSearchParams): void {
  wholeNumber(query, 'limit')
}

/** How long a watch may go on; 0: as the server likes. @throws ApiError BadRequest */
export function timeoutSeconds(query: URLSearchParams): number {
  // Unlike a limit, it is not absent when it is empty.
  if (query.get('timeoutSeconds') === '') throw badRequest(`strconv.ParseInt: ${integerProblem('', true)}`)
  return Math.min(wholeNumber(query, 'timeoutSeconds'), maxTimeoutSeconds)
}

/** 0 where nothing is said. @throws ApiError BadRequest, in the words of a server in Go */
function wholeNumber(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? ''
  if (text === '') return 0
  const problem = integerProblem(text, true)
  if (problem) throw badRequest(`strconv.ParseInt: ${problem}`)
  return Number(text)
}

export function encodeToken(token: ContinueToken): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: `${token.after}\u0000`, begun: token.begunMs }),
  ).toString('base64url')
}

const notBase64Url = /[^\w\-\r\n]/

function decodeToken(text: string): ContinueToken {
  const at = text.search(notBase64Url)
  if (at >= 0) throw invalidToken(`illegal base64 data at input byte ${at}`)
  // A last digit alone is no byte.
  if (text.length % 4 === 1) throw invalidToken(`illegal base64 data at input byte ${text.length - 1}`)
  const bytes = Buffer.from(text, 'base64url')
  const fault = jsonFault(bytes)
  if (fault !== undefined) throw invalidToken(fault)
  const token: unknown = JSON.parse(bytes.toString())
  if (typeof token !== 'object' || Array.isArray(token)) throw mistyped(token, 'Go value of type storage.continueToken')
  const { begun, ...members } = (token ?? {}) as Record<string, unknown>
  const { v, rv, start } = { v: '', rv: 0, start: '', ...members }
  for (const [name, value] of Object.entries({ v, rv, start })) {
    const type = name === 'rv' ? 'int64' : 'string'
    if (typeof value !== (type === 'int64' ? 'number' : 'string'))
      throw mistyped(value, `Go struct field continueToken.${name} of type ${type}`)
  }
  if (v !== 'meta.k8s.io/v1') throw invalidToken(`server does not recognize this encoded version ${v}`)
  if (rv === 0) throw invalidToken(`incorrect encoded start resourceVersion (version ${v})`)
  if (start === '') throw invalidToken(`encoded start key empty (version ${v})`)
  if (start.split('/').some(s => s === '..' || s === '.' || s === '')) throw invalidToken(start)
  if (!Number.isSafeInteger(rv) || !start.endsWith('\0') || (begun !== undefined && typeof begun !== 'number'))
    throw invalidToken('unexpected content')
  const after = start.slice(0, -1)
  return { revision: rv, after, begunMs: begun }
}

const mistyped = (value: unknown, where: string): ApiError =>
  invalidToken(`json: cannot unmarshal ${jsonKind(value)} into ${where}`)

const invalidToken = (problem: string): ApiError =>
  badRequest(`invalid continue token: continue key is not valid: ${problem}`)
