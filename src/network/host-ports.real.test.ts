import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { systemCommands } from '../base/commands.ts'
import { systemDisk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import type { InformerHandler, InformerSet } from '../client/index.ts'
import { ask, startTellers } from '../discovery/testing/tellers.ts'
import { clientIp, nodeIp, openWires, serverIp, type Wires } from '../discovery/testing/wires.ts'
import type { Pod } from '../models/kinds/index.ts'
import { HostPorts, hostPortTable, removeHostPorts } from './host-ports.ts'

const able = process.getuid?.() === 0

const pod = (name: string, ...ports: object[]) =>
  ({
    metadata: { name, namespace: 'default', uid: name, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { containers: [{ name: 'c', image: 'c', ports }] },
    status: { phase: 'Running' },
  }) as unknown as Pod
const port = (hostPort: number, more: object = {}) => ({ containerPort: 8080, hostPort, ...more })

describe.skipIf(!able)('host ports (needs root)', () => {
  let wires: Wires
  let tellers: AsyncDisposable
  let hostPorts: HostPorts
  let handler: InformerHandler<Pod>

  beforeAll(async () => {
    wires = openWires()
    tellers = await startTellers(wires)
    await wires.node.run('sysctl', ['-qw', 'net.ipv4.conf.all.route_localnet=1'])
    await wires.node.run('ip', ['addr', 'add', '10.0.0.9/32', 'dev', 'lo'])
    await wires.node.run('ip', ['addr', 'add', '10.96.0.10/32', 'dev', 'lo'])
    hostPorts = new HostPorts({
      ...{
        nodeName: 'n1',
        families: ['ip'],
        dnsIp: '10.96.0.10',
        clock: systemClock,
        disk: systemDisk,
        log: silentLogger,
      },
      commands: wires.node,
      informers: {
        for: () => ({
          list: () => [],
          subscribe(given: InformerHandler<Pod>) {
            handler = given
            return () => {}
          },
        }),
      } as unknown as InformerSet,
    })
  })
  afterAll(async () => {
    await hostPorts?.[Symbol.asyncDispose]()
    await tellers?.[Symbol.asyncDispose]()
    wires?.[Symbol.dispose]()
  })

  const run = async (words: string[], protocol: 'tcp' | 'udp', host: string, port: number) => {
    const [program, ...args] = [...words, process.execPath, '-e', ask[protocol](host, port, 4000)]
    return (await systemCommands.run(program!, args)).stdout
  }
  const fromPod = (protocol: 'tcp' | 'udp', host: string, port: number) => run(wires.inClient, protocol, host, port)
  const fromNode = async (protocol: 'tcp' | 'udp', host: string, port: number) =>
    (await wires.node.run(process.execPath, ['-e', ask[protocol](host, port, 4000)])).stdout
  const forget = (name: string) => handler.deleted!(pod(name, port(1)))

  test('lead to their pod, which sees who calls, as soon as they are opened', async () => {
    await hostPorts.open(pod('web', port(31080), port(31080, { protocol: 'UDP' })), [serverIp])
    for (const protocol of ['tcp', 'udp'] as const) {
      expect(await fromPod(protocol, nodeIp, 31080)).toBe(`server saw ${clientIp}`)
      expect(await fromPod(protocol, '10.0.0.9', 31080)).toBe(`server saw ${clientIp}`)
    }
    expect(await fromPod('tcp', nodeIp, 31081)).toBe('ECONNREFUSED')
    expect(await fromPod('tcp', '10.96.0.10', 31080)).toBe('ECONNREFUSED')
  })

  test('are there for the node itself, at its loopback too', async () => {
    for (const host of ['127.0.0.1', nodeIp]) expect(await fromNode('tcp', host, 31080)).toMatch(/^server saw 10\./)
  })

  test('a pod that calls itself by one is answered, and sees the node', async () => {
    await hostPorts.open(pod('own', port(31082), port(31082, { protocol: 'UDP' })), [clientIp])
    for (const protocol of ['tcp', 'udp'] as const)
      expect(await fromPod(protocol, nodeIp, 31082)).toBe(`client saw ${nodeIp}`)
  })

  test('are at one address if they say so, and another pod may have the same at another', async () => {
    await hostPorts.open(pod('nine', port(31083, { hostIP: '10.0.0.9' })), [serverIp])
    await hostPorts.open(pod('one', port(31083, { hostIP: nodeIp })), [clientIp])
    expect(await fromNode('tcp', '10.0.0.9', 31083)).toMatch(/^server saw/)
    expect(await fromNode('tcp', nodeIp, 31083)).toMatch(/^client saw/)
    expect(await fromNode('tcp', '127.0.0.1', 31083)).toBe('ECONNREFUSED')
  })

  test('a UDP client that keeps its port is led to the next pod', async () => {
    forget('own')
    const next = pod('next', port(31080, { protocol: 'UDP' }))
    next.metadata.creationTimestamp = '2026-01-01T00:00:01Z'
    await hostPorts.open(next, [clientIp])
    // It waits, as long as the older one has the port.
    expect(await fromPod('udp', nodeIp, 31080)).toBe(`server saw ${clientIp}`)
    forget('web')
    await expect.poll(() => fromPod('udp', nodeIp, 31080), { timeout: 20_000 }).toBe(`client saw ${nodeIp}`)
  })

  test('without pods that have some the kernel has no table of it', async () => {
    for (const name of ['nine', 'one', 'next']) forget(name)
    const tables = async () => (await wires.node.run('nft', ['list', 'tables'])).stdout
    await expect.poll(tables, { timeout: 20_000 }).not.toContain(hostPortTable)
    await removeHostPorts(wires.node)
  })
})
