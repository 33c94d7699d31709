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
])('a watch with %s is refused, with every reason', (query, message) => {
  expect(() => initialOf(new URLSearchParams(query), 0)).toThrow(expect.objectContaining({ message: head + message }))
})

test('a watch begins with everything there is when it names no revision, or when told to', () => {
  const begins = (query: string, from: number) => initialOf(new URLSearchParams(query), from)
  expect([begins('', 0), begins('', 7)]).toEqual(['objects', 'none'])
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
  [tokenOf({ v: 'meta.k8s.io/v1', rv: 1, start: 'a/../b\0' }), 'invalid start key: a/../b\0'],
  [tokenOf({ v: 'meta.k8s.io/v1', rv: 1, start: 'a' }), 'unexpected content'],
])('the continue token %s is refused in the words of Kubernetes, before the revision beside it', (token, problem) => {
  const message = `invalid continue token: continue key is not valid: ${problem}`
  for (const query of [`continue=${token}`, `continue=${token}&resourceVersion=5`])
    expect(() => listOptions(new URLSearchParams(query))).toThrow(expect.objectContaining({ code: 400, message }))
})
