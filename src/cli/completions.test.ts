import { expect, test } from 'vitest'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { Outside } from './command.ts'
import { commands } from './commands/index.ts'
import type { ConnectionFlags } from './connection.ts'
import { runProgram } from './program.ts'

const answers: Record<string, object> = {
  '/api': {
    items: [
      {
        versions: [
          {
            version: 'v1',
            resources: [
              { resource: 'pods', singularResource: 'pod', shortNames: ['po'], scope: 'Namespaced', verbs: ['list'] },
              { resource: 'namespaces', singularResource: 'namespace', scope: 'Cluster', verbs: ['list'] },
              { resource: 'bindings', singularResource: 'binding', scope: 'Namespaced', verbs: ['create'] },
            ],
          },
        ],
      },
    ],
  },
  '/apis': {
    items: [
      {
        metadata: { name: 'apps' },
        versions: [
          {
            version: 'v1',
            resources: [{ resource: 'deployments', shortNames: ['deploy'], scope: 'Namespaced', verbs: ['list'] }],
          },
        ],
      },
    ],
  },
  '/api/v1/namespaces': { items: [{ metadata: { name: 'shop' } }, { metadata: { name: 'default' } }] },
  '/api/v1/namespaces/shop/pods': { items: [{ metadata: { name: 'web-2' } }, { metadata: { name: 'web-1' } }] },
  '/apis/apps/v1/namespaces/shop/deployments': { items: [{ metadata: { name: 'web' } }] },
}

const shop = async ({ namespace = 'shop' }: ConnectionFlags) => ({
  namespace,
  json: async (_: string, url: string) => answers[url.replace('?limit=500', '')],
  [Symbol.asyncDispose]: async () => {},
})

async function complete(
  words: string[],
  connect: (flags: ConnectionFlags) => Promise<unknown> = shop,
  clock = new VirtualClock(),
) {
  const said = { out: '', err: '' }
  const paint = new Proxy({}, { get: () => (text: string) => text })
  const out = (text: string) => void (said.out += text)
  const terminal = { paint, out, err: (text: string) => void (said.err += text) }
  const outside = { terminal, clock, connect, env: {}, signal: new AbortController().signal } as unknown as Outside
  const code = await runProgram(['__complete', '--', ...words], outside, commands)
  expect([code, said.err]).toEqual([0, ''])
  return said.out.split('\n').slice(0, -1)
}

const values = async (...words: string[]) => (await complete(words)).map(line => line.split('\t')[0])

test('commands and those below them are completed with what they do, and what is hidden is not', async () => {
  expect(await complete(['sta'])).toEqual(['status\twhat runs, and whether it is well; code 1 when it is not running'])
  expect(await values('store', 'm')).toEqual(['migrate'])
  expect(await values('calico', 'bgp', 'p')).toEqual(['peer'])
  expect(await values('__')).toEqual([])
  expect(await values('completion', '')).toEqual(['bash', 'zsh', 'fish'])
})

test('flags are completed by name, and their values where they are known', async () => {
  expect(await values('get', 'pods', '--all')).toEqual(['--all-namespaces'])
  expect(await values('up', '--det')).toEqual(['--detach'])
  expect(await values('status', '-o', '')).toEqual(['json', 'yaml'])
  expect(await values('get', '--output=y')).toEqual(['--output=yaml'])
  expect(await values('get', 'pods', '-n', 's')).toEqual(['shop'])
  expect(await values('-n', 'shop', 'get', 'pods', 'web')).toEqual(['web-1', 'web-2'])
  expect(await values('up', '--config', '')).toEqual([':files'])
  expect(await values('apply', '-f', 'x')).toEqual([':files'])
  expect(await values('restore', '')).toEqual([':files'])
  expect(await values('scale', 'deploy/web', '--replicas', '')).toEqual([])
  expect(await values('exec', 'web-1', '--', 'ls', '--')).toEqual([])
})

test('kinds and names are asked of the cluster', async () => {
  expect(await values('get', '')).toEqual(['deployments', 'namespaces', 'pods'])
  expect(await values('describe', 'po', 'web-')).toEqual(['web-1', 'web-2'])
  expect(await values('delete', 'deploy', '')).toEqual(['web'])
  expect(await values('get', 'deploy/')).toEqual(['deploy/web'])
  expect(await values('logs', '')).toEqual(['web-1', 'web-2'])
  expect(await values('logs', 'deploy/w')).toEqual(['deploy/web'])
  expect(await values('top', 'n')).toEqual(['nodes'])
})

test('a cluster that is not there, or silent, means no names, no words and no long wait', async () => {
  const gone = () => Promise.reject(new Error('connection refused'))
  expect(await complete(['get', ''], gone)).toEqual([])
  const clock = new VirtualClock()
  const silent = complete(['get', ''], () => new Promise(() => {}), clock)
  await clock.advance(1_500)
  expect(await silent).toEqual([])
})
