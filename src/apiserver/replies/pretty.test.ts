import fc from 'fast-check'
import { expect, test } from 'vitest'
import { prettyJson, wantsPretty } from './pretty.ts'

test('the same JSON, indented', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      const value = JSON.parse(text)
      expect(prettyJson(Buffer.from(JSON.stringify(value))).toString()).toBe(`${JSON.stringify(value, null, 2)}\n`)
    }),
    { numRuns: 200 },
  )
  expect(prettyJson(Buffer.from('{"n":9007199254740993}')).toString()).toBe('{\n  "n": 9007199254740993\n}\n')
})

test.each([
  ['/api?pretty=true', '', true],
  ['/api?pretty=1&watch=0', '', true],
  ['/api?pretty=false', 'curl/8', false],
  ['/api', 'curl/8.1', true],
  ['/api', 'Mozilla/5.0 (X11)', true],
  ['/api', 'kubectl/v1.32', false],
])('%s by %s: %s', (url, agent, wanted) => {
  expect(
    wantsPretty({ method: 'GET', url, headers: { 'user-agent': agent }, signal: new AbortController().signal }),
  ).toBe(wanted)
})
