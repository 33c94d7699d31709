import fc from 'fast-check'
import { applyPatch as applyOracle, type Operation } from 'rfc6902'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../api-error.ts'
import { applyJsonPatch, applyMergePatch, applyPatch, equal } from './index.ts'

const pod = { schema: 'core/v1.Pod' }
const deployment = { schema: 'apps/v1.Deployment' }

function refusal(run: () => unknown): ApiError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError)
    return error as ApiError
  }
  throw new Error('not refused')
}

describe('merge patch', () => {
  // The examples of RFC 7386, appendix A.
  test.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) => {
    expect(applyMergePatch(target, patch)).toEqual(result)
  })

  test('applied twice is applied once, and the inputs stay as they are', () => {
    const any = fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), fc.jsonValue({ maxDepth: 3 }))
    fc.assert(
      fc.property(any, any, (target, patch) => {
        const before = [JSON.stringify(target), JSON.stringify(patch)]
        const once = applyMergePatch(target, patch)
        expect(JSON.stringify(applyMergePatch(once, patch))).toBe(JSON.stringify(once))
        expect([JSON.stringify(target), JSON.stringify(patch)]).toEqual(before)
      }),
    )
  })

  test('an element that is null is refused as one that is not like the others', () => {
    const merge = () =>
      applyPatch(pod, 'strategic', { spec: { containers: [{ name: 'a' }] } }, { spec: { containers: [null] } })
    expect(refusal(merge).message).toBe('list element types are not identical: [[map[name:a]] [<nil>]]')
  })

  test('__proto__ pollutes nothing', () => {
    applyPatch(pod, 'merge', {}, JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'))
    expect(({} as any).polluted).toBeUndefined()
  })
})

describe('JSON patch', () => {
  const document = { spec: { list: [1, 2, 3], 'a/b~c': 1 }, metadata: {} }

  test('all operations', () => {
    expect(
      applyJsonPatch(document, [
        { op: 'test', path: '/spec/a~1b~0c', value: 1 },
        { op: 'add', path: '/spec/list/1', value: 9 },
        { op: 'add', path: '/spec/list/-', value: 4 },
        { op: 'remove', path: '/spec/list/0' },
        { op: 'replace', path: '/spec/list/0', value: { x: [] } },
        { op: 'copy', from: '/spec/list/0', path: '/metadata/copy' },
        { op: 'add', path: '/metadata/copy/x/-1', value: 5 },
        { op: 'move', from: '/spec/a~1b~0c', path: '/moved' },
        { op: 'test', path: '/nothing', value: null },
      ]),
    ).toEqual({ spec: { list: [{ x: [] }, 2, 3, 4] }, metadata: { copy: { x: [5] } }, moved: 1 })
    expect(document).toEqual({ spec: { list: [1, 2, 3], 'a/b~c': 1 }, metadata: {} })
  })

  test.each([
    [
      { op: 'replace', path: '/spec/list/9', value: 1 },
      'replace operation does not apply: doc is missing key: /spec/list/9: missing value',
    ],
    [
      { op: 'remove', path: '/spec/x' },
      "error in remove for path: '/spec/x': Unable to remove nonexistent key: x: missing value",
    ],
    [
      { op: 'add', path: '/no/where', value: 1 },
      'add operation does not apply: doc is missing path: "/no/where": missing value',
    ],
    [{ op: 'add', path: '/spec/list/9', value: 1 }, 'invalid index referenced'],
    [{ op: 'test', path: '/spec/list/0', value: 2 }, 'testing value /spec/list/0 failed: test failed'],
    [{ op: 'test', path: '/spec/toString', value: 2 }, 'test failed'],
    [{ op: 'add', path: '/toString/x', value: 2 }, 'doc is missing path'],
    [{ op: 'frob', path: '/spec' }, 'Unexpected kind: frob'],
    [{ path: '/spec' }, 'has no "op"'],
    [null, 'is not an object'],
    [{ op: 'move', from: '/spec', path: '/spec/list' }, 'cannot move into itself'],
  ])('%j is refused', (operation, message) => {
    const error = refusal(() => applyPatch(pod, 'json', document, [operation]))
    expect([error.code, error.reason]).toEqual([422, 'Invalid'])
    expect(error.message).toMatch(/^the server rejected our request due to an error in our request: /)
    expect(error.message).toContain(message)
  })

  test('what has no value is null; wrong types are no patch', () => {
    expect(
      applyPatch(pod, 'json', { a: 1 }, [
        { op: 'add', path: '/b' },
        { op: 'replace', path: '/a' },
      ]),
    ).toEqual({
      ...{ a: null, b: null },
    })
    expect(applyPatch(pod, 'json', { list: [1] }, [{ op: 'add', path: '/list/00', value: 0 }])).toEqual({
      list: [0, 1],
    })
    const wrong = refusal(() => applyPatch(pod, 'json', {}, [{ op: 'add', path: 5, value: 1 }]))
    expect([wrong.code, wrong.message]).toEqual([
      400,
      'error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string',
    ])
    const nothing = refusal(() => applyPatch(pod, 'merge', {}, null))
    expect([nothing.code, nothing.message]).toEqual([400, 'Invalid JSON Patch'])
  })

  test('hostile patches are refused: too many operations, doubling copies, prototypes', () => {
    const many = Array(10_001).fill({ op: 'test', path: '/spec/list/0', value: 1 })
    expect(refusal(() => applyPatch(pod, 'json', document, many)).code).toBe(413)
    const bomb = Array.from({ length: 60 }, (_, i) => ({ op: 'copy', from: '', path: `/spec/c${i}` }))
    expect(refusal(() => applyPatch(pod, 'json', document, bomb)).message).toContain('too large')
    expect(refusal(() => applyPatch(pod, 'json', document, {})).code).toBe(400)
    const patched = applyJsonPatch({}, [
      { op: 'add', path: '/__proto__', value: { polluted: 1 } },
      { op: 'add', path: '/__proto__/more', value: 2 },
    ])
    expect(JSON.stringify(patched)).toBe('{"__proto__":{"polluted":1,"more":2}}')
    expect(({} as any).polluted).toBeUndefined()
    refusal(() => applyPatch(pod, 'json', {}, [{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }]))
    expect(({} as any).polluted).toBeUndefined()
  })

  test('a member that is not there is replaced, and copied as null, as Kubernetes does it', () => {
    const replaced = applyJsonPatch({ a: {} }, [{ op: 'replace', path: '/a/x', value: 1 }])
    expect(replaced).toEqual({ a: { x: 1 } })
    expect(applyJsonPatch({ a: {} }, [{ op: 'copy', from: '/a/x', path: '/b' }])).toEqual({ a: {}, b: null })
  })

  test('agrees with another implementation', () => {
    const leaf = fc.constantFrom<any>(0, 'x', true, [], {}, [1, 2], { a: 1 }, { a: { b: [1] } })
    const path = fc.constantFrom('/a', '/b', '/a/b', '/a/0', '/b/1', '/a/b/0', '/b/-', '/c')
    const operation = fc.oneof(
      fc.record({ op: fc.constantFrom('add', 'replace'), path, value: leaf }),
      fc.record({ op: fc.constant('remove'), path: path.filter(p => !p.endsWith('-')) }),
      fc.record({ op: fc.constant('copy'), from: path.filter(p => !p.endsWith('-')), path }),
    )
    fc.assert(
      fc.property(fc.record({ a: leaf, b: leaf }), fc.array(operation, { maxLength: 3 }), (start, operations) => {
        let mine: unknown
        let failed = false
        try {
          mine = applyJsonPatch(start, operations)
        } catch {
          failed = true
        }
        const oracle = structuredClone(start)
        let oracleFailed = true
        try {
          oracleFailed = applyOracle(oracle, operations as Operation[]).some(e => e !== null)
        } catch {
          // It adds members to scalars, and throws.
        }
        // It takes words for places in lists, too; what this one takes, both take.
        if (failed) return
        // Members that are not there are an error to it in some places, and not to us.
        if (oracleFailed && operations.some(({ op }) => op === 'replace' || op === 'copy')) return
        expect(oracleFailed).toBe(false)
        expect(equal(mine, oracle)).toBe(true)
      }),
    )
  })
})

describe('strategic merge patch', () => {
  const original = {
    metadata: { labels: { a: '1', b: '2' }, finalizers: ['x', 'y'] },
    spec: {
      containers: [
        {
          name: 'c1',
          image: 'i1',
          env: [
            { name: 'A', value: '1' },
            { name: 'B', value: '2' },
          ],
        },
        { name: 'c2', image: 'i2', args: ['a', 'b'] },
      ],
      tolerations: [{ key: 'k' }],
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'w', configMap: { name: 'm' } },
      ],
    },
  }
  const patched = (patch: unknown): any => {
    const before = JSON.stringify([original, patch])
    const result = applyPatch(pod, 'strategic', original, patch)
    expect(JSON.stringify([original, patch])).toBe(before)
    return result
  }

  test('lists with a merge key merge, others are replaced', () => {
    const result = patched({
      metadata: { labels: { a: null, c: '3' }, finalizers: ['z', 'x'] },
      spec: {
        containers: [
          { name: 'c3', image: 'i3' },
          { name: 'c1', image: 'new', env: [{ name: 'B', value: null }] },
        ],
        tolerations: [{ key: 'l' }],
      },
    })
    expect(result).toEqual({
      metadata: { labels: { b: '2', c: '3' }, finalizers: ['z', 'x', 'y'] },
      spec: {
        ...original.spec,
        containers: [
          { name: 'c3', image: 'i3' },
          { name: 'c1', image: 'new', env: [{ name: 'A', value: '1' }, { name: 'B' }] },
          { name: 'c2', image: 'i2', args: ['a', 'b'] },
        ],
        tolerations: [{ key: 'l' }],
      },
    })
  })

  test('kubectl set image: $setElementOrder', () => {
    const result = patched({
      spec: {
        '$setElementOrder/containers': [{ name: 'c1' }, { name: 'c2' }],
        containers: [{ image: 'new', name: 'c2' }],
      },
    })
    expect(result.spec.containers).toEqual([
      original.spec.containers[0],
      { name: 'c2', image: 'new', args: ['a', 'b'] },
    ])
  })

  test('$setElementOrder reorders, keeps what others added in place, and works on sets', () => {
    const base = {
      metadata: { finalizers: ['a', 'server', 'b'] },
      spec: { containers: ['1', 's', '2'].map(name => ({ name })) },
    }
    const result: any = applyPatch(pod, 'strategic', base, {
      metadata: { '$setElementOrder/finalizers': ['b', 'a', 'c'], finalizers: ['c'] },
      spec: {
        '$setElementOrder/containers': [{ name: '2' }, { name: '3' }, { name: '1' }],
        containers: [{ name: '3', image: 'x' }],
      },
    })
    expect(result.metadata.finalizers.filter((f: string) => f !== 'server')).toEqual(['b', 'a', 'c'])
    expect(result.spec.containers.filter((c: any) => c.name !== 's')).toEqual([
      { name: '2' },
      { name: '3', image: 'x' },
      { name: '1' },
    ])
    expect(result.spec.containers).toHaveLength(4)
    expect(Object.keys(result.spec)).toEqual(['containers'])
  })

  test('an order that the patch contradicts is refused', () => {
    const error = refusal(() =>
      patched({ spec: { '$setElementOrder/containers': [{ name: 'c1' }], containers: [{ name: 'c9' }] } }),
    )
    expect(error.message).toContain("doesn't match $setElementOrder list")
    expect(error.code).toBe(500)
  })

  test('$patch: delete, replace and merge, on elements, lists and objects', () => {
    expect(patched({ spec: { containers: [{ name: 'c1', $patch: 'delete' }] } }).spec.containers).toEqual([
      original.spec.containers[1],
    ])
    expect(patched({ spec: { containers: [{ $patch: 'replace' }, { name: 'z' }] } }).spec.containers).toEqual([
      { name: 'z' },
    ])
    expect(patched({ metadata: { $patch: 'replace', name: 'n' } }).metadata).toEqual({ name: 'n' })
    expect(patched({ metadata: { labels: { $patch: 'delete' } } }).metadata.labels).toEqual({})
    expect(patched({ metadata: { labels: { $patch: 'replace', z: '1' } } }).metadata.labels).toEqual({ z: '1' })
    expect(
      patched({ spec: { initContainers: [{ name: 'q' }, { name: 'gone', $patch: 'delete' }] } }).spec.initContainers,
    ).toEqual([{ name: 'q' }])
    expect(refusal(() => patched({ spec: { $patch: 'frob' } })).message).toContain('unknown patch type: frob')
    expect(refusal(() => patched({ spec: { containers: [{ image: 'x' }] } })).message).toContain(
      'does not contain declared merge key: name',
    )
  })

  test('a new element may be named null, once', () => {
    const names = (containers: object[]) => patched({ spec: { containers } }).spec.containers.map((c: any) => c.name)
    expect(names([{ name: null, image: 'x' }])[0]).toBe(null)
    expect(refusal(() => names([{ name: null }, { name: null, image: 'x' }])).message).toBe(
      'map: map[image:x] does not contain declared merge key: name',
    )
  })

  test('$deleteFromPrimitiveList', () => {
    expect(
      patched({ metadata: { '$deleteFromPrimitiveList/finalizers': ['x'], finalizers: ['q'] } }).metadata.finalizers,
    ).toEqual(['q', 'y'])
    expect(patched({ metadata: { '$deleteFromPrimitiveList/nothing': ['x'] } }).metadata).toEqual(original.metadata)
  })

  test('$retainKeys: a volume changes its source, a deployment its strategy', () => {
    expect(
      patched({ spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] } }).spec
        .volumes,
    ).toEqual([
      { name: 'v', hostPath: { path: '/x' } },
      { name: 'w', configMap: { name: 'm' } },
    ])
    const old = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } }
    expect(
      applyPatch(deployment, 'strategic', old, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }),
    ).toEqual({ spec: { strategy: { type: 'Recreate' } } })
    expect(refusal(() => patched({ spec: { $retainKeys: ['x'], nodeName: 'n' } })).message).toBe(
      'invalid patch format of retainKeys',
    )
  })

  test('keys with two parts merge by the first: service ports', () => {
    const old = { spec: { ports: [{ port: 80, protocol: 'TCP', name: 'a' }] } }
    expect(
      applyPatch({ schema: 'core/v1.Service' }, 'strategic', old, {
        spec: { ports: [{ port: 80, nodePort: 30000 }, { port: 81 }] },
      }),
    ).toEqual({ spec: { ports: [{ port: 80, protocol: 'TCP', name: 'a', nodePort: 30000 }, { port: 81 }] } })
  })

  test('custom resources take none', () => {
    expect(refusal(() => applyPatch({ schema: '' }, 'strategic', {}, {})).code).toBe(415)
  })

  const name = fc.constantFrom('a', 'b', 'c', 'd')
  const element = fc.record({ name, image: fc.constantFrom('x', 'y'), tty: fc.boolean() }, { requiredKeys: ['name'] })
  const list = fc.uniqueArray(element, { selector: e => e.name })

  test('applied twice is applied once; every element of the patch is in the result, and no name twice', () => {
    fc.assert(
      fc.property(list, list, fc.shuffledSubarray(['a', 'b', 'c', 'd']), (containers, changes, order) => {
        const patch: any = { spec: { containers: changes } }
        const names = new Set(changes.map(c => c.name))
        if (order.length === 4) {
          patch.spec['$setElementOrder/containers'] = order.map(n => ({ name: n }))
          changes.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
        }
        const once: any = applyPatch(pod, 'strategic', { spec: { containers } }, patch)
        expect(applyPatch(pod, 'strategic', once, patch)).toEqual(once)
        const result: any[] = once.spec.containers
        expect(result.map(c => c.name).sort()).toEqual([...new Set([...containers.map(c => c.name), ...names])].sort())
        for (const change of changes) expect(result.find(c => c.name === change.name)).toMatchObject(change)
        if (order.length === 4) {
          const places = result.map(c => order.indexOf(c.name))
          expect(places).toEqual([...places].sort((a, b) => a - b))
        }
      }),
    )
  })

  test('__proto__ pollutes nothing', () => {
    patched(
      JSON.parse(
        '{"__proto__":{"polluted":1},"spec":{"__proto__":{"polluted":1}},"metadata":{"labels":{"__proto__":{"polluted":1}}}}',
      ),
    )
    expect(({} as any).polluted).toBeUndefined()
  })
})
