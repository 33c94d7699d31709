import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CelCompileError, CelCostExceeded, CelRuntimeError, cel, compileCel } from './index.ts'

const words = [
  ...['x', 'y', '[', ']', '(', ')', '{', '}', '.', '?', ':', ',', '+', '-', '*', '/', '%', '!', '&&', '||', '==', '<'],
  ...['in', '1', '2u', '-3', '1.5', '"a"', "b'x'", 'true', 'null', 'size', 'has', 'cel.bind', 'optional.none()', 'x.y'],
  ...[
    '.all(i, i > 1)',
    '.map(i, i)',
    '.filter(x, x)',
    '.matches("a+")',
    '"%s".format',
    '.sum()',
    'type',
    'dyn',
    '[?0]',
  ],
  ...['timestamp("2020-01-01T00:00:00Z")', 'duration("1h")', 'quantity("1")', 'ip("::1")', '.?y', '\u{1f600}', '`a-b`'],
  ...[
    '__proto__',
    '.constructor',
    '.toString()',
    '{"a": 1}',
    '.split("")',
    '.transformMap(k, v, v)',
    '// c',
    '\n',
    '"""',
  ],
]
const values = [1, 'a', [1, 2], { a: 1 }, null, true, 1.5, [], {}, [[1]], 'é😀']

test('whatever the text, it compiles or is refused, and ends in a value or in an error of ours', () => {
  const texts = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map(parts => parts.join(' '))
  fc.assert(
    fc.property(texts, fc.constantFrom(...values), fc.constantFrom(...values), (source, x, y) => {
      try {
        const program = compileCel(source, { variables: { x: cel.dyn, y: cel.dyn } })
        program.estimateCost()
        program.evaluate({ x, y }, { costLimit: 10_000 })
      } catch (error) {
        const ours = [CelCompileError, CelRuntimeError, CelCostExceeded].some(of => error instanceof of)
        if (!ours) throw error
      }
    }),
    { numRuns: 3000, seed: 1 },
  )
})

test('names that every object of the language has are no keys of a map', () => {
  const value = (source: string) =>
    compileCel(source, { variables: { x: cel.dyn } }).evaluate(
      { x: JSON.parse('{"__proto__": 1}') },
      { costLimit: 100 },
    ).value
  expect(value('has(x.constructor) || has({}.toString)')).toBe(false)
  expect(value("x['__proto__']")).toBe(1)
  expect(() => value('x.hasOwnProperty')).toThrow('no such key: hasOwnProperty')
})
