import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { encodeMessage, sealProtobuf } from '../../models/protobuf/index.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const create = async (name: string, spec: object = {}, more: object = {}) =>
  (
    await server.call('POST', pods, {
      metadata: { name, ...more },
      spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
    })
  ).body
const brief = ({ status, body }: { status: number; body: any }) => [
  status,
  body.reason,
  body.details?.kind,
  body.message,
]

/** What kube-apiserver 1.32 answers to each. */
describe('bindings', () => {
  const bind = async (metadata: object, target: object, path = `${pods}/p/binding`) =>
    brief(await server.call('POST', `${path}?dryRun=All`, { metadata, target }))
  const node = { kind: 'Node', name: 'n' }
  const loose = '/api/v1/namespaces/default/bindings'

  test.each([
    [{ name: 'q' }, node, [400, 'BadRequest', undefined, 'name in URL does not match name in Binding object']],
    [{}, node, [400, 'BadRequest', undefined, 'name in URL does not match name in Binding object']],
    [{ name: 'p' }, {}, [500, undefined, undefined, 'target.name: Required value']],
    [
      { name: 'p' },
      { kind: 'Pod', name: 'x' },
      [500, undefined, undefined, 'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"'],
    ],
    [
      { name: 'p' },
      { kind: 'Pod' },
      [
        ...[500, undefined, undefined],
        '[target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>", target.name: Required value]',
      ],
    ],
    [
      { name: 'q', namespace: 'other' },
      node,
      [
        ...[400, 'BadRequest', undefined],
        'the namespace of the provided object does not match the namespace sent on the request',
      ],
    ],
  ])('%j to %j', async (metadata, target, answer) => {
    await create('p')
    expect(await bind(metadata, target)).toEqual(answer)
  })

  test('whose pod is another one, or nobody', async () => {
    const { metadata } = await create('p')
    expect(await bind({ name: 'p', uid: 'foreign' }, node)).toEqual([
      ...[409, 'Conflict', 'pods'],
      `Operation cannot be fulfilled on pods "p": StorageError: invalid object, Code: 4, Key: /pods/default/p, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: foreign, UID in object meta: ${metadata.uid}`,
    ])
    expect(await bind({ name: 'p', resourceVersion: '1' }, node)).toEqual([
      ...[409, 'Conflict', 'pods'],
      `Operation cannot be fulfilled on pods "p": StorageError: invalid object, Code: 4, Key: /pods/default/p, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ResourceVersion in precondition: 1, ResourceVersion in object meta: ${metadata.resourceVersion}`,
    ])
    expect((await bind({ name: 'p', resourceVersion: metadata.resourceVersion }, node))[0]).toBe(201)
    // Beside the pod's own path a uid is not heard.
    expect((await bind({ name: 'p', uid: 'foreign' }, node, loose))[0]).toBe(201)
    expect(await bind({}, node, loose)).toEqual([400, 'BadRequest', undefined, 'Name parameter required.'])
    expect(await bind({}, {}, loose)).toEqual([500, undefined, undefined, 'target.name: Required value'])
  })

  test('beside the path of a pod: of another namespace', async () => {
    expect(await bind({ name: 'p', namespace: 'other' }, node, loose)).toEqual([
      ...[400, 'BadRequest', undefined],
      'the namespace of the provided object does not match the namespace sent on the request',
    ])
  })

  test('whose pod cannot be given a node', async () => {
    await create('p', { nodeName: 'n' })
    await create('gated', { schedulingGates: [{ name: 'x.io/wait' }] })
    const conflict = (name: string, why: string) => [
      ...[409, 'Conflict', 'pods/binding'],
      `Operation cannot be fulfilled on pods/binding "${name}": pod ${name} ${why}`,
    ]
    expect(await bind({ name: 'p' }, node)).toEqual(conflict('p', 'is already assigned to node "n"'))
    expect(await bind({ name: 'gated' }, node, loose)).toEqual(conflict('gated', 'has non-empty .spec.schedulingGates'))
  })
})

describe('evictions', () => {
  const evict = async (more: object, query = '?dryRun=All') =>
    brief(await server.call('POST', `${pods}/p/eviction${query}`, { metadata: { name: 'p' }, ...more }))

  test('one in the version of clients before 1.22 is taken, as JSON and as protobuf', async () => {
    await create('p')
    const eviction = { apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'p' } }
    const url = `${pods}/p/eviction?dryRun=All`
    expect((await server.call('POST', url, eviction)).status).toBe(201)
    const body = sealProtobuf('policy/v1beta1', 'Eviction', encodeMessage('policy/v1.Eviction', eviction))
    const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' }
    expect((await server.call('POST', url, body, headers)).status).toBe(201)
  })

  test.each([
    [
      { deleteOptions: { propagationPolicy: 'x' } },
      [
        ...[422, 'Invalid', 'DeleteOptions'],
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "x": supported values: "Foreground", "Background", "Orphan", "nil"',
      ],
    ],
    [
      { deleteOptions: { propagationPolicy: 'Orphan', orphanDependents: true } },
      [
        ...[422, 'Invalid', 'DeleteOptions'],
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
      ],
    ],
    [
      { deleteOptions: { dryRun: ['x'] } },
      [500, undefined, undefined, 'Non-matching dry-run options in request and content: [All] and [x]'],
    ],
    [
      { metadata: { name: 'p', namespace: 'other' } },
      [
        ...[400, 'BadRequest', undefined],
        'the namespace of the provided object does not match the namespace sent on the request',
      ],
    ],
  ])('%j', async (more, answer) => {
    await create('p')
    expect(await evict(more)).toEqual(answer)
    expect((await server.call('GET', `${pods}/p`)).body.metadata.deletionTimestamp).toBeUndefined()
  })

  test('wait for a budget whose controller has not seen its newest spec', async () => {
    await create('p', {}, { labels: { app: 'a' } })
    const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
    await server.call('POST', budgets, { metadata: { name: 'b' }, spec: { selector: { matchLabels: { app: 'a' } } } })
    const tell = (url: string, status: object) =>
      server.call('PATCH', `${url}/status`, { status }, { 'content-type': 'application/merge-patch+json' })
    await tell(`${pods}/p`, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] })
    const evictedAt = async (observedGeneration: number) => {
      const counts = { disruptionsAllowed: 1, currentHealthy: 1, desiredHealthy: 0, expectedPods: 1 }
      await tell(`${budgets}/b`, { observedGeneration, ...counts })
      const [status, reason] = await evict({})
      return [status, reason]
    }
    expect(await evictedAt(0)).toEqual([429, 'TooManyRequests'])
    expect(await evictedAt(1)).toEqual([201, undefined])
  })

  test('of a state that is no more, on trial too', async () => {
    await create('p')
    const [status, reason] = await evict({ deleteOptions: { preconditions: { resourceVersion: '1' } } })
    expect([status, reason]).toEqual([409, 'Conflict'])
  })
})
