import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

const services = '/api/v1/namespaces/default/services'
let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
})

const create = async (name: string, spec: object) =>
  (await server.call('POST', services, { metadata: { name }, spec })).body
const update = async (name: string, spec: object) =>
  (await server.call('PUT', `${services}/${name}`, { metadata: { name }, spec })).body
const nodePorts = (service: any): (number | undefined)[] => service.spec.ports.map((port: any) => port.nodePort)

test('a load balancer that wants node ports no longer keeps those that are asked for, and no others', async () => {
  const ports = [
    { name: 'a', port: 80 },
    { name: 'b', port: 81 },
  ]
  const [, b] = nodePorts(await create('lb', { type: 'LoadBalancer', ports }))
  const wish = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false }
  const changed = await update('lb', { ...wish, ports: [ports[0], { ...ports[1], nodePort: b }] })
  expect(nodePorts(changed)).toEqual([undefined, b])
})

test('a node port stays with the name of its port, whatever number that has', async () => {
  const [first, second] = nodePorts(
    await create('np', {
      type: 'NodePort',
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ],
    }),
  )
  const ports = [
    { name: 'b', port: 80 },
    { name: 'a', port: 8080 },
  ]
  expect(nodePorts(await update('np', { type: 'NodePort', ports }))).toEqual([second, first])
})

test('a headless Service that becomes a name elsewhere loses its address, by the older field too', async () => {
  const ports = [{ port: 80 }]
  await create('h', { clusterIP: 'None', ports, selector: { a: 'b' } })
  const { spec } = await update('h', { type: 'ExternalName', externalName: 'test', clusterIP: 'None', ports })
  expect(spec).not.toHaveProperty('clusterIP')
  const found = await server.call('GET', `${services}?fieldSelector=spec.clusterIP!=None`)
  expect(found.body.items.map((item: any) => item.metadata.name)).toContain('h')
})

const first = 'spec.clusterIPs: Invalid value: []string{%}: first value must match `clusterIP`'
test.each<[object, string]>([
  [{ ipFamilies: ['x'] }, 'spec.ipFamilies[0]: Unsupported value: "x": supported values: "IPv4", "IPv6"'],
  [{ ipFamilies: ['IPv4', 'IPv4'] }, 'spec.ipFamilies[1]: Duplicate value: "IPv4"'],
  [
    { ipFamilies: ['IPv6'] },
    'spec.clusterIPs[0]: Invalid value: "10.96.0.50": expected an IPv6 value as indicated by `ipFamilies[0]`',
  ],
  [{ clusterIPs: ['10.96.0.99'] }, first.replace('%', '"10.96.0.99"')],
  [
    { clusterIP: 'x', clusterIPs: ['x'] },
    'spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
  ],
  [
    { clusterIPs: ['::1'] },
    `[${first.replace('%', '"::1"')}, spec.clusterIPs[0]: Invalid value: "::1": expected an IPv4 value as indicated by \`ipFamilies[0]\`]`,
  ],
])('addresses and families that contradict each other are all that is told of a change: %j', async (change, why) => {
  const made = await create('c', { clusterIP: '10.96.0.50', ports: [{ port: 80 }] })
  const { message } = await update('c', { ...made.spec, ...change })
  expect(message).toBe(`Service "c" is invalid: ${why}`)
})

test('a name elsewhere has no policy of traffic inside', async () => {
  const elsewhere = { type: 'ExternalName', externalName: 'a.example', internalTrafficPolicy: 'Cluster' }
  expect((await create('e', elsewhere)).spec).not.toHaveProperty('internalTrafficPolicy')
  expect((await update('e', elsewhere)).spec).not.toHaveProperty('internalTrafficPolicy')
})

test('when no address is left, it is said in the words that clients look for', async () => {
  const small = await startTestServer({ serviceCidr: '10.0.0.0/29' })
  onTestFinished(() => small[Symbol.asyncDispose]())
  const answers = []
  for (let i = 0; i < 6; i++)
    answers.push(await small.call('POST', services, { metadata: { name: `s${i}` }, spec: { ports: [{ port: 80 }] } }))
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201, 500])
  expect(answers.at(-1)!.body.message).toMatch(/failed to allocate a serviceIP: range is full/)
})

const allocated = 'provided port is already allocated'
const port = (nodePort: number) => [{ port: 80, nodePort }]
const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }
const taken = `spec.ports[0].nodePort: Invalid value: 30600: ${allocated}`
const outside = (ip: string) =>
  `spec.clusterIPs: Invalid value: []string{"${ip}"}: failed to allocate IP ${ip}: the provided IP (${ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`
const theirs = (ip: string) =>
  `spec.clusterIPs: Invalid value: []string{"${ip}"}: failed to allocate IP ${ip}: provided IP is already allocated`
const once = (ip: string) => `spec.clusterIPs[0]: Invalid value: []string{"${ip}"}: may not change once set`
/** One number for two protocols. */
const shared = (tcp: number, udp: number) => [
  { name: 'a', port: tcp, protocol: 'TCP', nodePort: 30610 },
  { name: 'b', port: udp, protocol: 'UDP', nodePort: 30610 },
]
const healthPortOutside =
  'Internal error occurred: failed to allocate requested HealthCheck NodePort 1: provided port is not in the valid range. The range of valid ports is 30000-32767'
const healthPort = `Internal error occurred: failed to allocate requested HealthCheck NodePort 30600: ${allocated}`

/** Some that hold addresses and ports. */
async function others() {
  await create('taken', { type: 'NodePort', clusterIP: '10.96.0.60', ports: port(30600) })
  await create('cip', { clusterIP: '10.96.0.61', ports: [{ port: 80 }] })
  await create('np', { type: 'NodePort', clusterIP: '10.96.0.62', ports: port(30601) })
  await create('ex', { type: 'ExternalName', externalName: 'a.b', ports: [{ port: 80 }] })
}

test.each<[name: string, spec: object, code: number, message: string, dryRun?: true]>([
  ['x', { type: 'NodePort', ports: port(30600) }, 422, taken],
  ['x', { type: 'NodePort', ports: port(30600), clusterIP: '10.96.0.60' }, 422, theirs('10.96.0.60')],
  ['x', { ports: [{ port: 80 }], clusterIP: '9.9.9.9' }, 422, outside('9.9.9.9')],
  // That the name is taken, too, is found out after.
  ['np', { type: 'NodePort', ports: port(30601) }, 422, taken.replace('30600', '30601')],
  ['np', { type: 'NodePort', ports: port(30601) }, 422, taken.replace('30600', '30601'), true],
  ['cip', { ports: [{ port: 80 }], clusterIP: '10.96.0.61' }, 422, theirs('10.96.0.61')],
  ['cip', { ports: [{ port: 80 }], clusterIP: '10.96.0.61' }, 409, 'services "cip" already exists', true],
  ['cip', { ports: [{ port: 80 }] }, 409, 'services "cip" already exists'],
  ['x', { ...local, ports: [{ port: 80 }], healthCheckNodePort: 30600 }, 500, healthPort],
  ['x', { ...local, ports: port(30610), healthCheckNodePort: 30610 }, 500, healthPort.replace('30600', '30610')],
  ['x', { ...local, ports: [{ port: 80 }], healthCheckNodePort: 1 }, 500, healthPortOutside],
  // A number is taken for all protocols; in a new Service only those of one port share it.
  ['x', { type: 'NodePort', ports: [{ port: 80, protocol: 'UDP', nodePort: 30600 }] }, 422, taken],
  ['x', { type: 'NodePort', ports: shared(80, 81) }, 422, taken.replace('30600', '30610').replace('[0]', '[1]')],
])('a new Service %s with %j is answered %d: %s', async (name, spec, code, message, dryRun) => {
  await others()
  const made = await server.call('POST', `${services}${dryRun ? '?dryRun=All' : ''}`, { metadata: { name }, spec })
  const whole = code === 422 ? `Service "${name}" is invalid: ${message}` : message
  expect([made.status, made.body.message]).toEqual([code, whole])
})

test.each<[name: string, changes: object, code: number, message: string]>([
  ['np', { ports: port(30600) }, 422, taken],
  ['cip', { type: 'NodePort', ports: port(30600) }, 422, taken],
  ['ex', { type: 'NodePort', ports: port(30600) }, 422, taken],
  ['np', { ports: port(30600), clusterIP: '10.96.0.77', clusterIPs: ['10.96.0.77'] }, 422, taken],
  ['cip', { clusterIP: '10.96.0.60', clusterIPs: ['10.96.0.60'] }, 422, once('10.96.0.60')],
  ['cip', { clusterIP: '9.9.9.9', clusterIPs: ['9.9.9.9'] }, 422, once('9.9.9.9')],
  ['cip', { clusterIP: '10.96.0.77' }, 422, once('10.96.0.77')],
  ['ex', { type: 'ClusterIP', clusterIP: '9.9.9.9', externalName: null }, 422, outside('9.9.9.9')],
  ['ex', { type: 'ClusterIP', clusterIP: '10.96.0.60', externalName: null }, 422, theirs('10.96.0.60')],
  ['np', { ...local, healthCheckNodePort: 30600 }, 500, healthPort],
  ['np', { ...local, healthCheckNodePort: 30601 }, 500, healthPort.replace('30600', '30601')],
  ['np', { ports: [{ port: 80, protocol: 'UDP', nodePort: 30600 }] }, 422, taken],
])('a change of the Service %s by %j is answered %d: %s', async (name, changes, code, message) => {
  await others()
  const merge = { 'content-type': 'application/merge-patch+json' }
  const { status, body } = await server.call('PATCH', `${services}/${name}`, { spec: changes }, merge)
  expect([status, body.message]).toEqual([code, code === 422 ? `Service "${name}" is invalid: ${message}` : message])
})

test('protocols of one port share a number at first, and of any ports once the Service is there', async () => {
  const type = 'NodePort'
  expect(nodePorts(await create('one', { type, ports: shared(80, 80) }))).toEqual([30610, 30610])
  const [, udp] = shared(80, 80)
  expect((await create('other', { type, ports: [udp] })).message).toContain(allocated)
  expect(nodePorts(await update('one', { type, ports: shared(80, 81) }))).toEqual([30610, 30610])
  await server.call('DELETE', `${services}/one`)
  expect(nodePorts(await create('other', { type, ports: [udp] }))).toEqual([30610])
})
