import { expect, test } from 'vitest'
import { parseJson } from '../json.ts'
import { YamlEmitter } from './emitter.ts'

const yaml = (json: string): string => {
  const emitter = new YamlEmitter()
  emitter.value(parseJson(json, { exactIntegers: true }).value)
  return emitter.end().toString()
}

// Every expectation here is what sigs.k8s.io/yaml 1.4.0 wrote of the same JSON.
const texts: [json: string, written: string][] = [
  ['"web"', 'web'],
  ['"yes"', '"yes"'],
  ['"y"', '"y"'],
  ['"Off"', '"Off"'],
  ['"tRue"', 'tRue'],
  ['""', '""'],
  ['"~"', '"~"'],
  ['"null"', '"null"'],
  ['"1"', '"1"'],
  ['"1.0"', '"1.0"'],
  ['"1e3"', '"1e3"'],
  ['"1e400"', '1e400'],
  ['"0x1F"', '"0x1F"'],
  ['"0b-1"', '"0b-1"'],
  ['"1_000"', '"1_000"'],
  ['"18446744073709551616"', '"18446744073709551616"'],
  ['"100m"', '100m'],
  ['".5"', '".5"'],
  ['".inf"', '".inf"'],
  ['"12:30"', '"12:30"'],
  ['"12:75"', '12:75'],
  ['"2026-11-27T21:47:07Z"', '"2026-11-27T21:47:07Z"'],
  ['"2026-02-30"', '2026-02-30'],
  ['"2026-2-3 1:2:3"', '"2026-2-3 1:2:3"'],
  ['"a: b"', "'a: b'"],
  ['"a:b"', 'a:b'],
  ['"a #b"', "'a #b'"],
  ['"it\'s"', "it's"],
  ['"\'x"', "'''x'"],
  ['"*"', "'*'"],
  ['"- a"', "'- a'"],
  ['"-a"', '-a'],
  ['"--- a"', "'--- a'"],
  ['" a"', "' a'"],
  ['"a\\tb"', '"a\\tb"'],
  ['"😀"', '"\\U0001F600"'],
  ['"日本"', '日本'],
  ['"{}"', "'{}'"],
  ['1000000.5', '1.0000005e+06'],
  ['0.00001', '1e-05'],
  ['0.0001', '0.0001'],
  ['123456.5', '123456.5'],
  ['-0', '0'],
  ['9007199254740993', '9007199254740993'],
  ['18446744073709551616', '1.8446744073709552e+19'],
  ['null', 'null'],
  ['[]', '[]'],
  ['{}', '{}'],
]

test('texts are quoted only where they would be read as something else, and numbers are written in full', () => {
  expect(texts.map(([json]) => [json, yaml(json)])).toEqual(texts.map(([json, written]) => [json, `${written}\n`]))
})

test('members are ordered by their names with numbers by size, and lists stand under their names', () => {
  const json =
    '{"kind":"X","a10":1,"a2":[{"z":1,"b":[1,[2]]},{},"t"],"B":null,"f:x":{".":{}},"_":[],"1":{"k:{\\"name\\":\\"c\\"}":{}}}'
  expect(yaml(json)).toBe(`_: []
"1":
  k:{"name":"c"}: {}
B: null
a2:
- b:
  - 1
  - - 2
  z: 1
- {}
- t
a10: 1
f:x:
  .: {}
kind: X
`)
})

test('texts of several lines keep them, and long ones are broken at a blank after 80 characters', () => {
  const long = 'words and words '.repeat(8).trim()
  const value = {
    conf: 'a\n\n  b\n',
    end: 'a\nb',
    keep: 'a\n\n',
    lead: ' a\n',
    tail: 'a \nb',
    long,
    quoted: `: ${long}`,
    ['n'.repeat(130)]: { a: [1] },
  }
  expect(yaml(JSON.stringify(value))).toBe(`conf: |
  a

    b
end: |-
  a
  b
keep: |+
  a

lead: |2
   a
long: words and words words and words words and words words and words words and words
  words and words words and words words and words
? ${'n'.repeat(130)}
: a:
  - 1
quoted: ': words and words words and words words and words words and words words and
  words words and words words and words words and words'
tail: "a \\nb"
`)
})
