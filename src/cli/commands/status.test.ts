import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { type Disk, systemDisk } from '../../base/disk.ts'
import { systemRandom } from '../../base/random.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { loadPki } from '../../main/pki.ts'
import { type RunFile, writeRunFile } from '../../main/run-file.ts'
import type { Outside } from '../command.ts'
import { runProgram } from '../program.ts'
import { status } from './status.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'optiflow-status-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

const pid = process.ppid
const noted: RunFile = {
  ...{ pid, state: 'ready', startedAt: '2026-01-01T00:00:00.000Z', url: 'https://10.0.0.1:6443', listen: '10.0.0.1' },
  ...{ runtime: 'containerd', nodes: ['n1'], kubeconfig: '/kubeconfig', context: 'optiflow' },
}
const answers: Record<string, object> = {
  '/api/v1/nodes': {
    items: [
      {
        metadata: { name: 'n1' },
        status: { conditions: [{ type: 'Ready', status: 'True' }], nodeInfo: { kubeletVersion: 'v1.32.0' } },
      },
      { metadata: { name: 'n2' }, status: { conditions: [{ type: 'Ready', status: 'False', message: 'no network' }] } },
    ],
  },
  '/api/v1/pods': { items: [{ spec: { nodeName: 'n1' }, status: { phase: 'Running' } }] },
  '/apis/optiflow.dev/v1/workloads': {
    items: [{ metadata: { namespace: 'default', name: 'web' }, spec: { replicas: 2 }, status: { readyReplicas: 1 } }],
  },
}

const allIsWell = (_url: string) => ({ status: 200, body: Buffer.from('ok') })

async function ask(
  args: string[],
  { command = 'node\0optiflow\0up', clock = new VirtualClock(), freeBytes = 1 << 30, raw = allIsWell } = {},
) {
  const said = { out: '', err: '' }
  const paint = new Proxy({}, { get: () => (text: string) => text })
  const terminal = {
    paint,
    out: (text: string) => void (said.out += text),
    err: (text: string) => void (said.err += text),
  }
  const disk: Disk = {
    ...systemDisk,
    space: async () => ({ totalBytes: 1 << 30, freeBytes, totalInodes: 1, freeInodes: 1 }),
    readText: async path => (path === `/proc/${pid}/cmdline` ? command : systemDisk.readText(path)),
  }
  const remote = {
    client: { raw: async (_: string, url: string) => raw(url) },
    json: async (_: string, url: string) => answers[url],
    [Symbol.asyncDispose]: async () => {},
  }
  const outside = { terminal, disk, clock, env: {}, signal: new AbortController().signal, connect: async () => remote }
  const code = await runProgram(['status', '--data-dir', dataDir, ...args], outside as unknown as Outside, [status])
  return { code, ...said }
}

const health = {
  ready: true,
  failing: [],
  nodes: [
    { name: 'n1', ready: true, podsRunning: 1, version: 'v1.32.0' },
    { name: 'n2', ready: false, message: 'no network', podsRunning: 0, version: '' },
  ],
  workloads: [{ namespace: 'default', name: 'web', replicas: 2, readyReplicas: 1 }],
}

test('status is JSON or YAML for programs, and text for people', async () => {
  await writeRunFile(systemDisk, dataDir, noted)
  const { nodes: _, listen: __, ...told } = noted
  const whole = { ...told, dataDir, certificates: [], warnings: [], health }
  const json = await ask(['-o', 'json'])
  expect({ ...json, out: JSON.parse(json.out) }).toEqual({ code: 0, out: whole, err: '' })
  expect(parse((await ask(['-o', 'yaml'])).out)).toEqual(whole)
  expect((await ask([])).out).toMatch(
    /^API {6}https:\/\/10\.0\.0\.1:6443 {2}process \d+, since .*\nHealth {3}ready\n\nNODE .*\nn1 +Ready +1/,
  )
  expect(await ask(['-o', 'table'])).toMatchObject({ code: 1, err: expect.stringContaining('"table"') })
})

test('one that starts or has stopped is told with code 1, as JSON too', async () => {
  await writeRunFile(systemDisk, dataDir, { ...noted, state: 'starting' })
  const starting = await ask(['-o', 'json'])
  expect(JSON.parse(starting.out)).toMatchObject({ state: 'starting', pid })
  expect(starting).toMatchObject({ code: 1, err: expect.stringContaining('still starting') })
  const stopped = await ask(['-o', 'json'], { command: 'bash' })
  expect(JSON.parse(stopped.out)).toMatchObject({ state: 'stopped' })
  expect(stopped).toMatchObject({ code: 1, err: expect.stringContaining('not running') })
})

test('an authority that ends within a year is a warning', async () => {
  await writeRunFile(systemDisk, dataDir, noted)
  const clock = new VirtualClock()
  await loadPki({
    ...{ folder: join(dataDir, 'pki'), disk: systemDisk, clock, random: systemRandom },
    serverNames: { dnsNames: [], ips: [] },
  })
  expect(JSON.parse((await ask(['-o', 'json'], { clock })).out)).toMatchObject({
    certificates: expect.arrayContaining([{ name: 'ca', notAfter: '2035-12-30T00:00:00.000Z' }]),
    warnings: [],
    joinCommand: expect.stringContaining('optiflow agent --server https://10.0.0.1:6443 --token '),
  })
  const later = new VirtualClock(Date.UTC(2035, 1, 1))
  expect((await ask([], { clock: later })).out).toMatch(
    /\n! \S+\/pki\/ca\.crt ends on 2035-12-30T00:00:00Z, in 332 days/,
  )
})

test('a disk that is nearly full is told, since the store then only answers', async () => {
  await writeRunFile(systemDisk, dataDir, noted)
  const warning = `the disk of ${dataDir} has 3 MiB left: when it is full only deletions are written. Make room on it.`
  expect((await ask([], { freeBytes: 4_000_000 })).out).toContain(`\n! ${warning}\n`)
  expect(JSON.parse((await ask(['-o', 'json'], { freeBytes: 4_000_000 })).out).warnings).toEqual([warning])
})

test('a check that fails is told with its reason, as far as one may know it', async () => {
  await writeRunFile(systemDisk, dataDir, noted)
  const raw = (url: string) => {
    if (url === '/readyz/store-room')
      return { status: 500, body: Buffer.from('internal server error: no room on the disk\n') }
    if (url === '/readyz/other') return { status: 403, body: Buffer.from('{}') }
    const lines = ['[+]ping ok', '[-]store-room failed: reason withheld', '[-]other failed: reason withheld']
    return { status: 500, body: Buffer.from(lines.join('\n')) }
  }
  const { out } = await ask([], { raw })
  expect(out).toContain('Health   [-]store-room failed: no room on the disk, [-]other failed: reason withheld\n')
})
