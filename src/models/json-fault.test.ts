import { expect, test } from 'vitest'
import { jsonFault } from './json-fault.ts'

const faultOf = (text: string) => jsonFault(Buffer.from(text))

test.each([
  ['{', 'unexpected end of JSON input'],
  ['', 'unexpected end of JSON input'],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['{"a":}', "invalid character '}' looking for beginning of value"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ["{'a':1}", "invalid character '\\'' looking for beginning of object key string"],
  ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{"a":"\\x"}', "invalid character 'x' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['{"a":"\u0001"}', "invalid character '\\x01' in string literal"],
  ['{"a":"\n"}', "invalid character '\\n' in string literal"],
  ['tru', 'unexpected end of JSON input'],
  ['{"a":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['{"a":01}', "invalid character '1' after object key:value pair"],
  ['{"a":1e}', "invalid character '}' in exponent of numeric literal"],
  ['{"a":1.}', "invalid character '}' after decimal point in numeric literal"],
  ['-x', "invalid character 'x' in numeric literal"],
  ['{} {}', "invalid character '{' after top-level value"],
  ['{}}', "invalid character '}' after top-level value"],
  ['\ufeff{}', "invalid character 'ï' looking for beginning of value"],
])('%j is no JSON: %s', (text, fault) => {
  expect(() => JSON.parse(text)).toThrow()
  expect(faultOf(text)).toBe(fault)
})

test.each(['null', ' [1, -0.5e+3, "\\u00e9\\n", {"a": {"b": []}, "c": {}}] ', '0', '"x"', '[[[]]]'])(
  '%j is JSON',
  text => {
    expect(JSON.parse(text)).toBeDefined()
    expect(faultOf(text)).toBeUndefined()
  },
)

test('what is nested without end is gone through without a stack', () => {
  expect(faultOf('['.repeat(1_000_000))).toBe('unexpected end of JSON input')
})
