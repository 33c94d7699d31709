import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const ns = '/api/v1/namespaces/default'
const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
const amounts = (cpu: string, memory: string) => ({ cpu, memory })
const burstable = { requests: amounts('100m', '64Mi'), limits: amounts('1', '128Mi') }

async function makePod(name: string, resources: object = burstable, container: object = {}, pod: object = {}) {
  const containers = [{ name: 'c', image: 'i', resources, ...container }]
  const answer = await server.call('POST', `${ns}/pods`, { metadata: { name }, spec: { containers, ...pod } })
  expect(answer.status, answer.body.message).toBe(201)
  return answer.body
}
const resize = (name: string, resources: object, more: object = {}) =>
  server.call(
    'PATCH',
    `${ns}/pods/${name}/resize`,
    { spec: { containers: [{ name: 'c', resources, ...more }] } },
    strategic,
  )
const refusal = async (answer: ReturnType<typeof resize>) => {
  const { status, body } = await answer
  return [status, body.details?.causes?.map((c: any) => `${c.field}: ${c.message}`)]
}

test('a resize changes CPU and memory, notes the wish and nothing else', async () => {
  const before = await makePod('a')
  const { status, body } = await resize('a', { requests: { cpu: '200m' } }, { image: 'other' })
  expect(status).toBe(200)
  expect(body.spec.containers[0].resources).toEqual({ ...burstable, requests: amounts('200m', '64Mi') })
  expect(body.status).toEqual({ ...before.status, resize: 'Proposed' })
  expect(body.spec.containers[0].image).toBe('i')
  expect(body.metadata.managedFields.at(-1)).toMatchObject({ operation: 'Update', subresource: 'resize' })
  expect((await server.call('GET', `${ns}/pods/a/resize`)).body).toEqual(body)

  const put = structuredClone(body)
  put.metadata.labels = { added: 'label' }
  put.spec.containers[0].resources.limits.memory = '256Mi'
  put.spec.containers[0].resizePolicy = [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }]
  const after = (await server.call('PUT', `${ns}/pods/a/resize`, put)).body
  expect(after.metadata.labels).toBeUndefined()
  expect(after.spec.containers[0]).toEqual(put.spec.containers[0])
  expect((await server.call('PUT', `${ns}/pods/a/resize`, put)).body.reason).toBe('Conflict')
})

test('a resize that changes nothing is no wish', async () => {
  const before = await makePod('same')
  expect((await resize('same', { requests: { cpu: '0.1' } })).body.status).toEqual(before.status)
})

test('what a resize may not do is said by field', async () => {
  await makePod('b')
  const removed = (which: string) =>
    `spec.containers[0].resources.${which}: Forbidden: resource ${which} cannot be removed`
  expect(await refusal(resize('b', { limits: { memory: null } }))).toEqual([422, [removed('limits')]])
  expect(await refusal(resize('b', { requests: amounts('1', '128Mi') }))).toEqual([
    422,
    ['spec: Invalid value: "Guaranteed": Pod QOS Class may not change as a result of resizing'],
  ])
  expect(await refusal(resize('b', { requests: { 'ephemeral-storage': '1Gi' } }))).toEqual([
    422,
    ['spec: Forbidden: only cpu and memory resources are mutable'],
  ])
  expect(await refusal(resize('b', { requests: { cpu: '2' } }))).toEqual([
    422,
    ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  ])
  const added = { spec: { containers: [{ name: 'd', image: 'i' }] } }
  expect((await server.call('PATCH', `${ns}/pods/b/resize`, added, strategic)).body).toMatchObject({ code: 422 })
  const direct = { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '200m' } } }] } }
  const { body } = await server.call('PATCH', `${ns}/pods/b`, direct, strategic)
  expect(body.message).toContain('spec: Forbidden: pod updates may not change fields other than')
})

test('a running container whose node tells no resources cannot be resized; one that does can', async () => {
  await makePod('c')
  const running = { name: 'c', image: 'i', imageID: '', ready: true, restartCount: 0, state: { running: {} } }
  const tell = (status: object) => server.call('PATCH', `${ns}/pods/c/status`, { status }, strategic)
  await tell({ containerStatuses: [running] })
  expect(await refusal(resize('c', { requests: { cpu: '200m' } }))).toEqual([
    422,
    ['spec: Forbidden: Pod running on node without support for resize'],
  ])
  await tell({ containerStatuses: [{ ...running, resources: burstable, allocatedResources: burstable.requests }] })
  expect((await resize('c', { requests: { cpu: '200m' } })).body.status.resize).toBe('Proposed')
  expect((await tell({ resize: 'InProgress' })).body.status.resize).toBe('InProgress')
})

test('quotas and limits of the namespace hold for a resize as for a new pod', async () => {
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'tight' } })
  const tight = '/api/v1/namespaces/tight'
  await server.call('POST', `${tight}/limitranges`, {
    metadata: { name: 'l' },
    spec: { limits: [{ type: 'Container', max: { memory: '1Gi' } }] },
  })
  const quota = { metadata: { name: 'q' }, spec: { hard: { 'requests.cpu': '1' } } }
  await server.call('POST', `${tight}/resourcequotas`, quota)
  const counted = { status: { hard: { 'requests.cpu': '1' }, used: { 'requests.cpu': '0' } } }
  await server.call('PATCH', `${tight}/resourcequotas/q/status`, counted, strategic)
  const containers = [{ name: 'c', image: 'i', resources: { ...burstable, limits: amounts('4', '128Mi') } }]
  await server.call('POST', `${tight}/pods`, { metadata: { name: 'p' }, spec: { containers } })
  const change = async (resources: object) => {
    const patch = { spec: { containers: [{ name: 'c', resources }] } }
    return (await server.call('PATCH', `${tight}/pods/p/resize`, patch, strategic)).body
  }
  expect((await change({ requests: { cpu: '2' } })).message).toContain(
    'exceeded quota: q, requested: requests.cpu=1900m, used: requests.cpu=100m, limited: requests.cpu=1',
  )
  expect((await change({ limits: { memory: '2Gi' } })).message).toContain('maximum memory usage per Container is 1Gi')
  expect((await change({ requests: { cpu: '900m' } })).status.resize).toBe('Proposed')
  expect((await server.call('GET', `${tight}/resourcequotas/q`)).body.status.used).toEqual({ 'requests.cpu': '900m' })
})

test('resize policies are of CPU and memory, once each', async () => {
  const policy = (resourceName: string, restartPolicy: string) => ({ resourceName, restartPolicy })
  const refused = async (resizePolicy: object[], pod: object = {}) => {
    const containers = [{ name: 'c', image: 'i', resizePolicy }]
    const { body } = await server.call('POST', `${ns}/pods`, { metadata: { name: 'x' }, spec: { containers, ...pod } })
    return body.message
  }
  const at = 'Pod "x" is invalid: spec.containers[0].resizePolicy'
  expect(await refused([policy('disk', 'NotRequired')])).toBe(
    `${at}[0].resourceName: Unsupported value: "disk": supported values: "cpu", "memory"`,
  )
  expect(await refused([policy('cpu', 'NotRequired'), policy('cpu', 'NotRequired')])).toBe(
    `${at}[1]: Duplicate value: "cpu"`,
  )
  expect(await refused([policy('cpu', 'RestartContainer')], { restartPolicy: 'Never' })).toBe(
    `${at}[0].restartPolicy: Invalid value: "RestartContainer": must be 'NotRequired' when \`restartPolicy\` is 'Never'`,
  )
})

test('where a container asked for nothing, a resize may ask for anything', async () => {
  await makePod('nothing', {})
  const { status, body } = await resize('nothing', { requests: { 'ephemeral-storage': '2Gi' } })
  expect(status, body.message).toBe(200)
})
