import { expect, test } from 'vitest'
import { formatObject } from './output.ts'

const object = {
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name: 'a', managedFields: [{ manager: 'x' }], labels: { n: '1', on: 'yes' } },
  data: { z: 'line\nline\n', long: 'word '.repeat(30).trim(), empty: '', 'k.10': '0x1F', 'k.9': 'a: b' },
  items2: [],
  gone: undefined,
}

test('YAML is what kubectl prints: members by name, lists no further in, texts quoted and broken as Go does', () => {
  expect(formatObject(object, 'yaml')).toBe(`apiVersion: v1
data:
  empty: ""
  k.9: 'a: b'
  k.10: "0x1F"
  long: word word word word word word word word word word word word word word word
    word word word word word word word word word word word word word word word
  z: |
    line
    line
items2: []
kind: ConfigMap
metadata:
  labels:
    "n": "1"
    "on": "yes"
  name: a
`)
  expect(formatObject({ kind: 'List', items: [object, { a: [{ b: 1 }] }] }, 'yaml')).toContain(
    '- a:\n  - b: 1\nkind: List\n',
  )
})

test('JSON is what kubectl prints: members by name, < and > escaped', () => {
  expect(formatObject({ kind: 'Secret', apiVersion: 'v1', type: '<a>' }, 'json')).toBe(
    '{\n    "apiVersion": "v1",\n    "kind": "Secret",\n    "type": "\\u003ca\\u003e"\n}\n',
  )
})
