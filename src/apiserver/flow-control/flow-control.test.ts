import fc from 'fast-check'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sleep } from '../../base/clock.ts'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import { openMemoryStore } from '../../db/index.ts'
import type { Store } from '../../db/store.ts'
import type { UserInfo } from '../../models/rest.ts'
import type { Attributes } from '../authz/authorizer.ts'
import { parseRequest } from '../request-info.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { dealHand } from './fair-queues.ts'
import { FlowControl } from './flow-control.ts'

let server: TestServer
let clock: VirtualClock
let slow = false
const commitMs = 10

/** A store on a disk that does one thing at a time. */
function onSlowDisk(store: Store): Store {
  let last: Promise<unknown> = Promise.resolve()
  const commit: Store['commit'] = async (...change) => {
    if (slow) await (last = last.then(() => sleep(clock, commitMs)))
    return store.commit(...change)
  }
  return new Proxy(store, {
    get(target, key) {
      if (key === 'commit') return commit
      const value = Reflect.get(target, key)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const api = '/apis/flowcontrol.apiserver.k8s.io/v1'
const ns = '/api/v1/namespaces/default'
const user = (username: string, ...groups: string[]): UserInfo => ({
  username,
  groups: [...groups, 'system:authenticated'],
})
const node = user('system:node:n1', 'system:nodes')

beforeEach(async () => {
  slow = false
  clock = new VirtualClock()
  server = await startTestServer({ clock, store: onSlowDisk(await openMemoryStore()), seats: 60 })
  const rule = (apiGroups: string[], resources: string[]) => ({ apiGroups, resources, verbs: ['*'] })
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  await server.call('POST', `${rbac}/clusterroles`, { metadata: { name: 'r' }, rules: [rule([''], ['configmaps'])] })
  await server.call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'b' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
    subjects: [{ kind: 'Group', name: 'system:authenticated', apiGroup: 'rbac.authorization.k8s.io' }],
  })
})
afterEach(() => server[Symbol.asyncDispose]())

/** @returns the status, and how much virtual time it took */
async function ask(who: UserInfo, method: string, url: string, object?: object) {
  const began = clock.monotonicMs()
  const reply = await server.api.handler({
    ...{ method, url, user: who, signal: new AbortController().signal },
    headers: { 'content-type': 'application/json' },
    ...(object ? { body: Buffer.from(JSON.stringify(object)) } : {}),
  })
  return { status: reply.status, headers: reply.headers, body: reply.body, ms: clock.monotonicMs() - began }
}
const write = (who: UserInfo, name: string) => ask(who, 'POST', `${ns}/configmaps`, { metadata: { name } })
const flood = (who: UserInfo, count: number, tag = who.username) =>
  Array.from({ length: count }, (_, i) => write(who, `${tag}-${i}`))

test('the levels and flows that Kubernetes comes with are there, and replies say which ones a request fell under', async () => {
  const levels = (await server.call('GET', `${api}/prioritylevelconfigurations`)).body.items
  const flows = (await server.call('GET', `${api}/flowschemas`)).body.items
  expect([levels.length, flows.length]).toEqual([8, 13])
  expect(
    flows.every((f: any) => f.status.conditions[0].type === 'Dangling' && f.status.conditions[0].status === 'False'),
  ).toBe(true)
  const uid = (list: any[], name: string) => list.find(o => o.metadata.name === name).metadata.uid
  const mine = await ask(node, 'GET', `${ns}/configmaps/x`)
  expect(mine.headers).toMatchObject({
    'x-kubernetes-pf-flowschema-uid': uid(flows, 'system-nodes'),
    'x-kubernetes-pf-prioritylevel-uid': uid(levels, 'system'),
  })
})

test('what is mandatory comes back; what somebody took over stays as he made it', async () => {
  const merge = { 'content-type': 'application/merge-patch+json' }
  await server.call('DELETE', `${api}/flowschemas/catch-all`)
  await server.call('PATCH', `${api}/flowschemas/exempt`, { spec: { matchingPrecedence: 9 } }, merge)
  const mine = {
    metadata: { annotations: { 'apf.kubernetes.io/autoupdate-spec': 'false' } },
    spec: { matchingPrecedence: 7 },
  }
  await server.call('PATCH', `${api}/flowschemas/probes`, mine, merge)
  await clock.advance(1_000)
  const precedence = async (name: string) =>
    (await server.call('GET', `${api}/flowschemas/${name}`)).body.spec?.matchingPrecedence
  expect([await precedence('catch-all'), await precedence('exempt'), await precedence('probes')]).toEqual([
    10_000, 1, 7,
  ])
})

test("a client that floods the server does not hold up a node's heartbeat", async () => {
  const lease = { metadata: { name: 'n1' }, spec: { holderIdentity: 'n1' } }
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases'
  slow = true
  const flooding = flood(user('mallory'), 1_000)
  const beat = ask(node, 'POST', leases, lease)
  await clock.advance(60_000)
  const [answers, { status, ms }] = [await Promise.all(flooding), await beat]
  const counts = (code: number) => answers.filter(a => a.status === code).length
  expect(status).toBe(201)
  // Without flow control it would come after a thousand commits of 10 ms.
  expect(ms).toBeLessThan(1_000)
  expect(counts(201) + counts(429)).toBe(1_000)
  expect(counts(429)).toBeGreaterThan(500)
  const refused = answers.find(a => a.status === 429)!
  expect(refused.headers['retry-after']).toBe('1')
  expect(Buffer.from(refused.body as Uint8Array).toString()).toBe('Too many requests, please try again later.\n')
  const { body: metrics } = await server.call('GET', '/metrics')
  expect(metrics).toContain(
    'apiserver_flowcontrol_rejected_requests_total{priority_level="global-default",flow_schema="global-default",reason="queue-full"}',
  )
})

test('users of one level share it: who asks little does not wait for who asks much', async () => {
  slow = true
  const flooding = flood(user('mallory'), 300)
  const quiet = write(user('alice'), 'mine')
  await clock.advance(60_000)
  const last = Math.max(...(await Promise.all(flooding)).map(a => a.ms))
  expect((await quiet).ms).toBeLessThan(last / 3)
})

test('who waits longer than a quarter of his time is turned away; who takes longer than all of it gets 504', async () => {
  slow = true
  const flooding = flood(user('mallory'), 200)
  const url = `${ns}/configmaps?timeout=200ms`
  const hasty = ask(user('mallory'), 'POST', url, { metadata: { name: 'hasty' } })
  const exempt = ask({ username: 'root', groups: ['system:masters'] }, 'POST', url, { metadata: { name: 'late' } })
  await clock.advance(60_000)
  expect([(await hasty).status, (await hasty).ms]).toEqual([429, 50])
  expect([(await exempt).status, (await exempt).ms]).toEqual([504, 200])
  const message = 'Timeout: request did not complete within the allotted timeout'
  // Clients have words of their own for a Status without its kind.
  expect([(await exempt).headers['content-type'], JSON.parse(String((await exempt).body))]).toEqual([
    'text/plain; charset=utf-8',
    { metadata: {}, status: 'Failure', message, reason: 'Timeout', details: {}, code: 504 },
  ])
  await Promise.all(flooding)
  expect((await ask(node, 'GET', `${ns}/configmaps/x?timeout=soon`)).status).toBe(400)
})

test('a level lends what it does not use, and gets it back', async () => {
  slow = true
  // global-default has 5 of 60 seats; system and others lend.
  const many = flood(user('alice'), 60)
  await clock.advance(0)
  const { body: metrics } = await server.call('GET', '/metrics')
  const seats = /current_executing_seats\{priority_level="global-default",flow_schema="global-default"\} (\d+)/.exec(
    metrics,
  )![1]
  expect(Number(seats)).toBeGreaterThan(20)
  const nodes = Array.from({ length: 5 }, () => ask(node, 'GET', `${ns}/pods?fieldSelector=spec.nodeName%3Dn1`))
  expect((await Promise.all(nodes)).map(n => n.status)).toEqual([200, 200, 200, 200, 200])
  await clock.advance(60_000)
  expect((await Promise.all(many)).every(m => m.status === 201)).toBe(true)
})

test('what runs and what waits is told by flow schema too, and what needs no seat', async () => {
  const told = async () => {
    const { body } = await server.call('GET', '/metrics')
    const whole = (flow: string) => `{priority_level="${flow}",flow_schema="${flow}"}`
    const value = (name: string, flow: string) => {
      const start = `apiserver_flowcontrol_${name}${whole(flow)} `
      const line = (body as string).split('\n').find(l => l.startsWith(start))
      return Number(line?.slice(start.length))
    }
    const present = ['current_executing_requests', 'current_inqueue_requests']
    const seats = ['current_executing_seats', 'current_inqueue_seats']
    return {
      alice: [...present, ...seats].map(name => value(name, 'global-default')),
      root: [...present, ...seats].map(name => value(name, 'exempt')),
      estimated: value('work_estimated_seats_count', 'global-default'),
    }
  }
  slow = true
  const many = flood(user('alice'), 80)
  await clock.advance(0)
  const { alice, root, estimated } = await told()
  expect([alice[0]! + alice[1]!, alice[2]! + alice[3]!, estimated]).toEqual([80, 80, alice[0]])
  expect(alice[1]).toBeGreaterThan(0)
  // Who asks for this.
  expect(root).toEqual([1, 0, 1, 0])
  await clock.advance(60_000)
  await Promise.all(many)
  expect(await told()).toEqual({ alice: [0, 0, 0, 0], root: [1, 0, 1, 0], estimated: 80 })
})

test('what a watch takes to begin is told apart from what others take', async () => {
  const count = async (type: string) => {
    const { body } = await server.call('GET', '/metrics')
    const start = `apiserver_flowcontrol_request_execution_seconds_count{priority_level="exempt",flow_schema="exempt",type="${type}"} `
    return Number(
      (body as string)
        .split('\n')
        .find(line => line.startsWith(start))
        ?.slice(start.length) ?? 0,
    )
  }
  const [watches, others] = [await count('watch'), await count('regular')]
  ;(await server.watch(`${ns}/configmaps?watch=1`)).end()
  await server.call('GET', `${ns}/configmaps`)
  expect([(await count('watch')) - watches, (await count('regular')) - others]).toEqual([1, 3])
})

test('a hand has as many different queues as it should, always the same for a flow', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 8 }), (name, deck, size) => {
      const hand = dealHand(name, deck, size)
      expect(new Set(hand).size).toBe(Math.min(deck, size))
      expect(hand.every(card => card >= 0 && card < deck)).toBe(true)
      expect(dealHand(name, deck, size)).toEqual(hand)
    }),
  )
})

test('over a network a flood of lists leaves gaps between them, in which others are looked at', async () => {
  for (let i = 0; i < 250; i++) await server.call('POST', `${ns}/configmaps`, { metadata: { name: `c${i}` } })
  const flowControl = new FlowControl({ core: server.api.core, registry: new Registry() })
  let turn: (() => void)[] = []
  flowControl.pace(work => turn.push(work))
  const info = parseRequest('/api/v1/configmaps')
  const resource = { group: '', version: 'v1', plural: 'configmaps', subresource: '', namespace: '', name: '' }
  const request: Attributes = { user: user('mallory'), verb: 'list', path: info.path, resource }
  const flow = flowControl.classify(request)!
  let begun = 0
  const list = async () => {
    begun++
  }
  const limits = { waitMs: 60_000, signal: () => new AbortController().signal }
  const works = { work: list, refused: () => expect.unreachable('there is room for all') }
  const all = Array.from({ length: 9 }, () => flowControl.run(flow, request, info, limits, works))
  const perTurn: number[] = []
  for (let before = -1; before !== begun; ) {
    before = begun
    await settle()
    perTurn.push(begun - before)
    const due = turn
    turn = []
    for (const work of due) work()
    await settle()
  }
  await Promise.all(all)
  // Three seats each, eight a turn.
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(2)
  expect(begun).toBe(9)
})
