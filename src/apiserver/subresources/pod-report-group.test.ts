import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
})
afterEach(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const groups = '/apis/optiflow.dev/v1/podreportgroups'
const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
const since = '2026-01-01T00:00:00Z'
const disrupted = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'PreemptionByScheduler',
  message: 'default-scheduler: preempting',
  lastTransitionTime: since,
}
const unschedulable = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'Unschedulable',
  message: '0/1 nodes',
  lastTransitionTime: since,
}

const create = async (name: string, spec: object = {}, more: object = {}) => {
  const body = {
    metadata: { name, labels: { app: 'x' }, ...more },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  }
  return (await server.call('POST', pods, body)).body
}
const about = (name: string, more: object) => ({ namespace: 'default', name, ...more })
const report = (...group: object[]) => server.call('POST', groups, { spec: { pods: group } })
const podNamed = async (name: string) => (await server.call('GET', `${pods}/${name}`)).body
const patchStatus = (name: string, status: object) =>
  server.call('PATCH', `${pods}/${name}/status`, { status }, strategic)

/** What does not depend on who it is and when it was written. A new condition comes last here, first in a patch that says no order. */
function contents({ metadata, spec, status }: any) {
  const { name: _, uid: _u, resourceVersion: _r, creationTimestamp: _c, deletionTimestamp, ...rest } = metadata
  const conditions = [...(status.conditions ?? [])].sort((a, b) => (a.type < b.type ? -1 : 1))
  const managedFields = rest.managedFields.map(({ time: _, ...entry }: any) => entry)
  return {
    metadata: { ...rest, managedFields, deleting: deletionTimestamp !== undefined },
    spec,
    status: { ...status, conditions },
  }
}

test('a report leaves a pod as a patch of its status would, whatever was said before', async () => {
  const steps = [
    { condition: unschedulable, nominatedNodeName: 'n1' },
    { condition: { ...unschedulable, message: '0/2 nodes' } },
    { condition: { ...unschedulable, message: '0/2 nodes' }, nominatedNodeName: '' },
    { condition: disrupted },
  ]
  await create('patched')
  await create('told')
  for (const { condition, nominatedNodeName } of steps) {
    const nominated = nominatedNodeName === undefined ? {} : { nominatedNodeName: nominatedNodeName || null }
    await patchStatus('patched', { conditions: [condition], ...nominated })
    expect((await report(about('told', { condition, nominatedNodeName }))).body.status).toEqual({ written: 1 })
    expect(contents(await podNamed('told'))).toEqual(contents(await podNamed('patched')))
  }
  expect((await podNamed('told')).status.nominatedNodeName).toBeUndefined()
})

test('a deletion comes after its condition, with the grace of the pod: watchers see both', async () => {
  const stop = new AbortController()
  for (const name of ['patched', 'told']) {
    const { status } = await server.call('POST', pods, {
      metadata: { name },
      spec: { nodeName: 'n1', terminationGracePeriodSeconds: 40, containers: [{ name: 'c', image: 'i' }] },
    })
    expect(status).toBe(201)
    await patchStatus(name, { phase: 'Running' })
  }
  await patchStatus('patched', { conditions: [disrupted] })
  await server.call('DELETE', `${pods}/patched`)
  const { uid, resourceVersion } = (await podNamed('told')).metadata
  await report(about('told', { uid, condition: disrupted, delete: true }))
  const told = await podNamed('told')
  expect(contents(told)).toEqual(contents(await podNamed('patched')))
  expect(told.metadata.deletionGracePeriodSeconds).toBe(40)
  const url = `${pods}?watch=1&resourceVersion=${resourceVersion}&fieldSelector=metadata.name=told`
  const request = {
    method: 'GET',
    url,
    headers: {},
    user: { username: 'admin', groups: ['system:masters'] },
    signal: stop.signal,
  }
  const events = []
  for await (const line of (await server.api.handler(request)).body as AsyncIterable<Uint8Array>) {
    for (const text of Buffer.from(line).toString().trim().split('\n')) events.push(JSON.parse(text))
    if (events.length >= 2) break
  }
  stop.abort()
  const seen = events.map(({ type, object: { metadata, status } }: any) => [
    type,
    status.conditions.some((c: any) => c.type === 'DisruptionTarget'),
    metadata.deletionTimestamp !== undefined,
  ])
  expect(seen).toEqual([
    ['MODIFIED', true, false],
    ['MODIFIED', true, true],
  ])
})

test('of a group each pod stands for itself; a pod that runs nowhere is gone at once', async () => {
  await create('a')
  await create('b')
  const { status, body } = await report(
    about('a', { condition: disrupted, delete: true }),
    about('nobody', { condition: disrupted, delete: true }),
    about('b', { uid: 'another', condition: disrupted, delete: true }),
  )
  expect([status, body.status.written]).toEqual([201, 1])
  expect(body.status.refused.map((r: any) => [r.index, r.status.code, r.status.message])).toEqual([
    [1, 404, 'pods "nobody" not found'],
    [2, 422, 'Pod "b" is invalid: metadata.uid: Invalid value: "another": field is immutable'],
  ])
  expect((await server.call('GET', `${pods}/a`)).status).toBe(404)
  expect((await podNamed('b')).status.conditions ?? []).toEqual([])
})

test('what is deleted keeps its finalizers, and what others hold of it stays as it was', async () => {
  await create('held', {}, { finalizers: ['example.com/hold'] })
  await report(about('held', { condition: disrupted, delete: true }))
  const { metadata } = await podNamed('held')
  expect([metadata.finalizers, metadata.deletionTimestamp !== undefined]).toEqual([['example.com/hold'], true])
})

test('it takes the rights to patch the status and to delete, besides that to send groups', async () => {
  await create('a')
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  await server.call('POST', `${rbac}/clusterroles`, {
    metadata: { name: 'reports' },
    rules: [
      { apiGroups: ['optiflow.dev'], resources: ['podreportgroups'], verbs: ['create'] },
      { apiGroups: [''], resources: ['pods/status'], verbs: ['patch'] },
    ],
  })
  await server.call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'reports' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reports' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'eve' }],
  })
  const asEve = async (more: object) => {
    const body = { spec: { pods: [about('a', { condition: disrupted, ...more })] } }
    return (await server.call('POST', groups, body, { 'impersonate-user': 'eve' })).body.status
  }
  expect((await asEve({ delete: true })).refused[0].status).toMatchObject({ code: 403, reason: 'Forbidden' })
  expect((await podNamed('a')).status.conditions ?? []).toEqual([])
  expect(await asEve({})).toEqual({ written: 1 })
})

test('a dry run writes nothing; conditions that are no scheduler’s to write, and groups of nobody, are refused as a whole', async () => {
  await create('a')
  const dry = await server.call('POST', `${groups}?dryRun=All`, {
    spec: { pods: [about('a', { condition: disrupted, delete: true })] },
  })
  expect(dry.body.status).toEqual({ written: 1 })
  expect((await podNamed('a')).status.conditions ?? []).toEqual([])
  const none = await report()
  expect([none.status, none.body.details.causes[0].field]).toEqual([422, 'spec.pods'])
  const wrong = await report(
    about('a', { condition: { type: 'Ready', status: 'Yes' }, nominatedNodeName: 'N_1' }),
    about('a', {}),
  )
  expect(wrong.body.details.causes.map((c: any) => c.field)).toEqual([
    'spec.pods[0].condition.type',
    'spec.pods[0].condition.status',
    'spec.pods[0].nominatedNodeName',
    'spec.pods[1].condition',
  ])
  expect((await server.call('GET', groups)).status).toBe(405)
})
