import { expect, test } from 'vitest'
import { customColumns } from './custom-columns.ts'
import { parseJsonPath } from './json-path.ts'

const object = {
  metadata: { labels: { 'a.b/c': 'dotted' }, creationTimestamp: '2024-01-01T00:00:00Z' },
  spec: {
    ports: [
      { name: 'http', port: 80 },
      { name: 'https', port: 443 },
    ],
    text: 'x',
    whole: 1.7,
    none: null,
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False' },
    ],
  },
}

test.each<[string, unknown[]]>([
  ['.spec.text', ['x']],
  ['.spec.missing.deeper', []],
  ['.metadata.labels.a\\.b/c', ['dotted']],
  [".metadata.labels['a.b/c']", ['dotted']],
  ['.spec.ports[0].port', [80]],
  ['.spec.ports[-1].port', [443]],
  ['.spec.ports[5].port', []],
  ['.spec.ports[*].name', ['http', 'https']],
  ['.spec.ports[0:1].name', ['http']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [".status.conditions[?(@.type == 'Ready')].status", ['True']],
  ['.spec.ports[?(@.port > 100)].name', ['https']],
  ['.spec.ports[?(@.absent)].name', []],
  ['..port', [80, 443]],
  ['$.spec.text', ['x']],
])('%s finds %j', (path, found) => {
  expect(parseJsonPath(path).find(object)).toEqual(found)
})

test.each(['.a[', '.a[?(@.b==)]', '.a[?(@.b', 'a'])('%s is no path', path => {
  expect(() => parseJsonPath(path)).toThrow(/expected/)
})

test('cells are what their column says, or empty', () => {
  const column = (type: string, jsonPath: string) =>
    customColumns([{ name: 'X', type, jsonPath }])[0]!.cell(object as any, Date.parse('2024-01-01T00:05:00Z'))
  expect(column('string', '.spec.ports')).toBe('[{"name":"http","port":80},{"name":"https","port":443}]')
  expect(column('string', '.spec.whole')).toBe('1.7')
  expect(column('integer', '.spec.whole')).toBe(1)
  expect(column('integer', '.spec.text')).toBeNull()
  expect(column('date', '.metadata.creationTimestamp')).toBe('5m')
  expect(column('date', '.spec.text')).toBe('<invalid>')
  expect(column('boolean', '.spec.none')).toBeNull()
  expect(customColumns(undefined).map(c => c.name)).toEqual(['Age'])
})
