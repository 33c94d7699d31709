import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Commands, systemCommands } from '../base/commands.ts'
import { silentLogger } from '../base/logger.ts'
import { wholeTable } from '../base/nft-table.ts'
import { UdpFlows } from '../base/udp-flows.ts'
import { planServiceRules } from './service-rules.ts'
import { serviceTableOf } from './service-table.ts'
import { udpTargets } from './udp-targets.ts'

const able = process.getuid?.() === 0 && existsSync('/usr/sbin/conntrack')
const ns = `of-udp-${process.pid}`
const enter = [`--net=/run/netns/${ns}`]
const inside = (file: string, args: string[], stdin = '') =>
  systemCommands.run('nsenter', [...enter, file, ...args], { stdin, allowFailure: true })
const there = { run: (file: string, args: string[]) => inside(file, args) } as unknown as Commands

/** Answers each datagram with its own address. */
const servers = `
const { createSocket } = require('dgram')
for (const ip of ['10.244.0.5', '10.244.0.6']) {
  const socket = createSocket('udp4')
  socket.on('message', (_, from) => socket.send(ip, from.port, from.address))
  socket.bind(8080, ip, () => console.log('up'))
}`

/** Asks the cluster IP from one port whenever it is told to, and prints the answer. */
const client = `
const socket = require('dgram').createSocket('udp4')
socket.on('message', m => console.log('from ' + m))
socket.bind(4000, '10.244.0.1', () => console.log('bound'))
process.stdin.on('data', () => socket.send('who', 53, '10.96.0.7'))`

describe.skipIf(!able)('UDP flows in the kernel (needs root and conntrack)', () => {
  beforeAll(() => {
    execFileSync('ip', ['netns', 'add', ns])
    const ip = (...args: string[]) => execFileSync('nsenter', [...enter, 'ip', ...args])
    ip('link', 'set', 'lo', 'up')
    for (const address of ['10.244.0.1', '10.244.0.5', '10.244.0.6']) ip('addr', 'add', `${address}/32`, 'dev', 'lo')
    ip('route', 'add', 'default', 'dev', 'lo')
  })
  afterAll(() => {
    execFileSync('ip', ['netns', 'del', ns])
  })

  const rules = (endpoint: string) =>
    planServiceRules({
      nodeName: 'n1',
      services: [
        {
          metadata: { name: 'dns', namespace: 'default' },
          spec: { clusterIP: '10.96.0.7', ports: [{ port: 53, protocol: 'UDP' }] },
        } as any,
      ],
      slices: [
        {
          metadata: { name: 'd', namespace: 'default', labels: { 'kubernetes.io/service-name': 'dns' } },
          addressType: 'IPv4',
          ports: [{ port: 8080, protocol: 'UDP' }],
          endpoints: [{ addresses: [endpoint], conditions: { ready: true } }],
        } as any,
      ],
    })

  test('a client that keeps its port is led to the new endpoint once the old one is gone', async () => {
    const lines: string[] = []
    const onLine = (line: string) => void lines.push(line)
    const run = (script: string) =>
      systemCommands.spawn('nsenter', [...enter, process.execPath, '-e', script], { onLine })
    const asking = openClient()
    const server = run(servers)
    try {
      await expect.poll(() => lines.filter(l => l === 'up').length, { timeout: 20_000 }).toBe(2)
      const write = async (endpoint: string) => {
        const written = await inside('nft', ['-f', '-'], wholeTable('t', serviceTableOf(rules(endpoint))).join('\n'))
        expect(written).toMatchObject({ code: 0, stderr: '' })
      }
      const flows = new UdpFlows(there, silentLogger)
      await write('10.244.0.5')
      expect(await asking.ask()).toBe('from 10.244.0.5')
      await write('10.244.0.6')
      // What is wrong without it: the kernel remembers.
      expect(await asking.ask()).toBe('from 10.244.0.5')
      await flows.moved(udpTargets(rules('10.244.0.5')), udpTargets(rules('10.244.0.6')))
      expect(await asking.ask()).toBe('from 10.244.0.6')
    } finally {
      asking.stop()
      server.kill('SIGKILL')
      await server.exited
    }
  })
})

function openClient() {
  const child = spawn('nsenter', [...enter, process.execPath, '-e', client], { stdio: ['pipe', 'pipe', 'inherit'] })
  let heard: (line: string) => void = () => {}
  const bound = new Promise<void>(resolve => {
    heard = () => resolve()
  })
  child.stdout.on('data', data => heard(String(data).trim()))
  return {
    async ask() {
      await bound
      const answer = new Promise<string>(resolve => {
        heard = resolve
      })
      child.stdin.write('ask\n')
      return await answer
    },
    stop: () => void child.kill('SIGKILL'),
  }
}
