import { expect, test } from 'vitest'
import { createClient } from '../client/index.ts'
import { ApiError } from '../models/api-error.ts'
import type { ApiReply } from '../models/rest.ts'
import { GroupBindings } from './group-bindings.ts'
import type { PodInfo } from './pod-class.ts'

const groupPath = '/apis/optiflow.dev/v1/bindinggroups'
const json = (status: number, body: object): ApiReply => ({
  status,
  headers: {},
  body: Buffer.from(JSON.stringify(body)),
})
const info = (name: string) => ({ key: { namespace: 'ns', name }, uid: `uid-${name}` }) as PodInfo

/** Requests wait until they are answered. */
function gate(answer: (url: string, body: any) => ApiReply) {
  const asked: { url: string; body: any; go: () => void }[] = []
  const client = createClient({
    send: ({ url, body }) =>
      new Promise(resolve => {
        const parsed = JSON.parse(String(body))
        asked.push({ url, body: parsed, go: () => resolve(answer(url, parsed)) })
      }),
    async [Symbol.asyncDispose]() {},
  })
  return { asked, bindings: new GroupBindings(client) }
}
const settle = () => new Promise(resolve => setImmediate(resolve))
const bound = () => json(201, { status: { bound: 1 } })

test('one pod is bound at once by its own binding; those that come while requests are under way gather in a group', async () => {
  const { asked, bindings } = gate(bound)
  const all: Promise<void>[] = []
  for (let i = 0; i < 4; i++) {
    all.push(bindings.bind(info(`alone-${i}`), 'n', {}))
    await settle()
  }
  for (let i = 0; i < 300; i++) all.push(bindings.bind(info(`p${i}`), 'n', {}))
  await settle()
  expect(asked.map(a => a.url)).toEqual([0, 1, 2, 3].map(i => `/api/v1/namespaces/ns/pods/alone-${i}/binding`))
  expect(bindings.size).toBe(304)
  asked[0]!.go()
  await settle()
  expect([asked[4]!.url, asked[4]!.body.spec.pods.length]).toEqual([groupPath, 256])
  for (let i = 1; i < 6; i++) {
    asked[i]!.go()
    await settle()
  }
  await Promise.all(all)
  expect([asked.length, asked[5]!.body.spec.pods.length, bindings.size]).toEqual([6, 44, 0])
})

test('of a group only those fail that the server names; if the request fails, all do', async () => {
  const conflict = new ApiError('Conflict', 'already assigned').toStatus()
  let reply = json(201, { status: { bound: 1, refused: [{ index: 1, status: conflict }] } })
  const { asked, bindings } = gate(() => reply)
  const bindBoth = async () => {
    const both = Promise.allSettled([bindings.bind(info('a'), 'n', {}), bindings.bind(info('b'), 'n', { gpu: '0' })])
    await settle()
    asked.at(-1)!.go()
    return (await both).map(o => (o.status === 'rejected' ? [o.reason.code, o.reason.message] : o.status))
  }
  expect(await bindBoth()).toEqual(['fulfilled', [409, 'already assigned']])
  expect(asked[0]!.body.spec.pods).toEqual([
    { namespace: 'ns', name: 'a', uid: 'uid-a', node: 'n' },
    { namespace: 'ns', name: 'b', uid: 'uid-b', node: 'n', annotations: { gpu: '0' } },
  ])
  reply = json(500, new ApiError('ServerTimeout', 'no room').toStatus())
  expect(await bindBoth()).toEqual([
    [500, 'no room'],
    [500, 'no room'],
  ])
})

test('a server that has no groups gets bindings one at a time, and is not asked again', async () => {
  const missing = json(404, new ApiError('NotFound', 'no such path').toStatus())
  const { asked, bindings } = gate(url => (url === groupPath ? missing : bound()))
  for (const round of [0, 1]) {
    const both = Promise.all([bindings.bind(info(`a${round}`), 'n', {}), bindings.bind(info(`b${round}`), 'n', {})])
    for (let seen = asked.length; seen < asked.length + 3; seen++) {
      await settle()
      asked[seen]?.go()
    }
    await both
  }
  expect(asked.map(a => a.url.split('/').pop())).toEqual(['bindinggroups', ...Array(4).fill('binding')])
})
