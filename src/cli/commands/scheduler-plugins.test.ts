import { expect, test } from 'vitest'
import { compile, nameOf } from './scheduler-plugins.ts'

test('a plugin is named after its file', () => {
  expect(['./same-rack.ts', '/a/b/My_Plugin.mts', 'x.js'].map(nameOf)).toEqual(['same-rack', 'my-plugin', 'x'])
})

test('types are taken away, and the default export is what the scheduler finds', () => {
  const source = `
import type { Pod } from 'optiflow'
interface Node { labels: Record<string, string> }
export default { score: (pod: Pod, node: Node): number => Number(node.labels['speed'] ?? 0) }
`
  const module = { exports: {} as any }
  new Function('module', 'exports', compile('p.ts', source))(module, module.exports)
  expect(module.exports.default.score({}, { labels: { speed: '7' } })).toBe(7)
})

test('what is no TypeScript is refused with its place', () => {
  expect(() => compile('p.ts', 'export default {')).toThrow(/p\.ts is not TypeScript: .*1:/)
})
