import { expect, test } from 'vitest'
import { initialOf, listOptions } from './list-options.ts'

const head = 'ListOptions.meta.k8s.io "" is invalid: '

test.each<[string, string]>([
  [
    'resourceVersionMatch=Exact',
    'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  ],
  [
    'resourceVersion=0&resourceVersionMatch=Exact',
    'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
  ],
  [
    'resourceVersion=5&resourceVersionMatch=Newest',
    'resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""',
  ],
  [
    'resourceVersionMatch=Newest&sendInitialEvents=true',
    '[resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided, resourceVersionMatch: Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", "", sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list]',
  ],
])('a list with %s is refused, with every reason', (query, message) => {
  expect(() => listOptions(new URLSearchParams(query))).toThrow(
    expect.objectContaining({ code: 422, message: head + message }),
  )
})

test.each<[string, string]>([
  [
    'resourceVersionMatch=NotOlderThan',
    'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
  ],
  [
    'sendInitialEvents=true',
    'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
  ],
  [
    'sendInitialEvents=true&resourceVersionMatch=Exact',
    '[resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan, resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]',
  ],
  ['continue=x', 'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided'],
  [
    'continue=x&resourceVersion=0',
    'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when continue is provided',
  ],
])('a watch with %s is refused, with every reason', (query, message) => {
  expect(() => initialOf(new URLSearchParams(query), 0)).toThrow(expect.objectContaining({ message: head + message }))
})

test('a watch begins with everything there is when it names no revision, or when told to', () => {
  const begins = (query: string, from: number) => initialOf(new URLSearchParams(query), from)
  expect([begins('', 0), begins('resourceVersion=7&continue=x', 7)]).toEqual(['objects', 'none'])
  const told = 'resourceVersionMatch=NotOlderThan&sendInitialEvents='
  expect([begins(`${told}true`, 7), begins(`${told}false`, 0)]).toEqual(['objects', 'none'])
})

const tokenOf = (token: unknown) => Buffer.from(JSON.stringify(token)).toString('base64url')
const version = '(version meta.k8s.io/v1)'
test.each<[string, string]>([
  ['x', 'illegal base64 data at input byte 0'],
  ['e30=', 'illegal base64 data at input byte 3'],
  ['eyJ2I', 'illegal base64 data at input byte 4'],
  ['eyJ2', 'unexpected end of JSON input'],
  [tokenOf({}), 'server does not recognize this encoded version '],
  [tokenOf({ v: 'meta.k8s.io/v1' }), `incorrect encoded start resourceVersion ${version}`],
  [tokenOf({ v: 'meta.k8s.io/v1', rv: 1 }), `encoded start key empty ${version}`],
  [tokenOf({ v: 'meta.k8s.io/v1', rv: 1, start: 'a/../b\0' }), 'a/../b\0'],
  [tokenOf({ v: 'meta.k8s.io/v1', rv: 5, start: '../x' }), '../x'],
  [tokenOf([]), 'json: cannot unmarshal array into Go value of type storage.continueToken'],
  [
    tokenOf({ v: 'meta.k8s.io/v1', rv: 'x', start: 'a' }),
    'json: cannot unmarshal string into Go struct field continueToken.rv of type int64',
  ],
  [tokenOf({ v: 1 }), 'json: cannot unmarshal number into Go struct field continueToken.v of type string'],
  [tokenOf({ v: 'meta.k8s.io/v1', rv: 1, start: 'a' }), 'unexpected content'],
])('the continue token %s is refused in the words of Kubernetes, before the revision beside it', (token, problem) => {
  const message = `invalid continue token: continue key is not valid: ${problem}`
  for (const query of [
    `continue=${token}`,
    `continue=${token}&resourceVersion=5`,
    `continue=${token}&resourceVersion=x`,
  ])
    expect(() => listOptions(new URLSearchParams(query))).toThrow(expect.objectContaining({ code: 400, message }))
})

test.each<[string, number, string]>([
  ['', 500, 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'],
  [
    '&resourceVersionMatch=NotOlderThan&limit=2',
    500,
    'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
  ],
  [
    '&limit=2',
    400,
    'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
  ],
  [
    '&resourceVersionMatch=Exact',
    400,
    'invalid resource version: resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax',
  ],
])('a revision that is no number is refused by who reads it: the cache or the store (%s)', (query, code, message) => {
  const refused = () => listOptions(new URLSearchParams(`resourceVersion=x${query}`))
  expect(refused).toThrow(expect.objectContaining({ code, message, reason: code === 500 ? '' : 'BadRequest' }))
})
