import { describe, expect, test } from 'vitest'
import { CelCompileError, type CelEnvironment, CelRuntimeError, cel, celTypeOfSchema, compileCel } from './index.ts'

const run = (source: string, bindings: Record<string, unknown> = {}, variables: CelEnvironment['variables'] = {}) => {
  const free = Object.fromEntries(Object.keys(bindings).map(name => [name, cel.dyn]))
  return compileCel(source, { variables: { ...free, ...variables } }).evaluate(bindings, { costLimit: 1_000_000 })
}

const messageOf = (action: () => unknown): string => {
  try {
    action()
  } catch (error) {
    if (error instanceof CelCompileError || error instanceof CelRuntimeError) return error.message
    throw error
  }
  return ''
}

describe('expressions', () => {
  test('what they say of an object is computed from its JSON', () => {
    const object = {
      metadata: { labels: { app: 'web' } },
      spec: { replicas: 3, containers: [{ name: 'a' }, { name: 'b' }] },
    }
    expect(run('object.spec.replicas + 1', { object }).value).toBe(4)
    expect(run('object.spec.containers.map(c, c.name)', { object }).value).toEqual(['a', 'b'])
    expect(
      run("object.spec.containers.exists(c, c.name == 'b') && has(object.metadata.labels)", { object }).value,
    ).toBe(true)
    expect(run('cel.bind(n, size(object.spec.containers), n * n)', { object }).value).toBe(4)
    expect(run('object.metadata', { object }).value).toEqual(object.metadata)
  })

  test('integers are exact to 64 bits, and overflow is a failure', () => {
    expect(run('9223372036854775806 + 1').value).toBe(9223372036854775807n)
    expect(run('x + 1', { x: 9007199254740993n }).value).toBe(9007199254740994n)
    expect(messageOf(() => run('9223372036854775807 + 1'))).toBe('integer overflow')
    expect(messageOf(() => run('1 / x', { x: 0 }))).toBe('division by zero')
    expect(messageOf(() => run('x.y', { x: {} }))).toBe('no such key: y')
    expect(messageOf(() => run('x < "a"', { x: 1 }))).toBe('no such overload')
    for (const x of [null, 1, 'a', []]) expect(run('has(x.y)', { x }).value).toBe(false)
  })

  test('a side that decides wins over a side that fails', () => {
    expect(run('x.missing || true', { x: {} }).value).toBe(true)
    expect(run('false && x.missing', { x: {} }).value).toBe(false)
    expect(run('[1, 2, 0].exists(i, 4 / i == 2)').value).toBe(true)
    expect(messageOf(() => run('[0, 1].all(i, 4 / i == 4)'))).toBe('division by zero')
  })
})

describe('compile errors', () => {
  test.each([
    ['x', "compilation failed: ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | x\n | ^"],
    [
      "1 + 'a'",
      "compilation failed: ERROR: <input>:1:3: found no matching overload for '_+_' applied to '(int, string)'\n | 1 + 'a'\n | ..^",
    ],
    [
      'true &&\n  size(1) > 0',
      "compilation failed: ERROR: <input>:2:7: found no matching overload for 'size' applied to '(int)'\n |   size(1) > 0\n | ......^",
    ],
  ])('%s is refused with the place', (source, message) => {
    expect(messageOf(() => compileCel(source, { variables: {} }))).toBe(message)
  })

  test('an object knows its fields', () => {
    const type = celTypeOfSchema({
      type: 'object',
      properties: { namespace: { type: 'string' }, at: { type: 'string', format: 'date-time' } },
    })!
    const self = { namespace: 'a', at: '2024-01-02T03:04:05Z', more: 1 }
    expect(
      run("self.__namespace__ == 'a' && self.at < timestamp('2025-01-01T00:00:00Z')", { self }, { self: type }).value,
    ).toBe(true)
    expect(messageOf(() => run('self.more', { self }, { self: type }))).toContain("undefined field 'more'")
  })

  test('the type of the result is asked for', () => {
    expect(messageOf(() => compileCel('1', { variables: {}, result: cel.bool }))).toBe(
      'must evaluate to bool but got int',
    )
  })
})
