import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemCommands } from '../base/commands.ts'
import { difference, wholeTable } from '../base/nft-table.ts'
import { emptyRules, type RuleSet } from './rule-set.ts'
import { planServiceRules } from './service-rules.ts'
import { serviceTableOf } from './service-table.ts'
import { sctpKnock, sctpListener } from './testing/sctp.ts'
import { ask, startTellers } from './testing/tellers.ts'
import { clientIp, nodeIp, openWires, serverIp, type Wires } from './testing/wires.ts'

const able = process.getuid?.() === 0
const python = ['/usr/bin/python3', '/usr/local/bin/python3'].find(path => existsSync(path))

describe.skipIf(!able)('packets to Services (needs root)', () => {
  let wires: Wires
  let tellers: AsyncDisposable
  let inForce = emptyRules()

  beforeAll(async () => {
    wires = openWires()
    tellers = await startTellers(wires)
  })
  afterAll(async () => {
    await tellers?.[Symbol.asyncDispose]()
    wires?.[Symbol.dispose]()
  })

  const rules = (spec: object, ...endpoints: string[]): RuleSet =>
    planServiceRules({
      ...{ nodeName: 'n1', podCidrs: ['10.244.0.0/16'] },
      services: [
        {
          metadata: { name: 'web', namespace: 'default' },
          spec: {
            clusterIP: '10.96.0.7',
            ports: [
              { name: 't', port: 80, protocol: 'TCP', nodePort: 30080 },
              { name: 'u', port: 80, protocol: 'UDP', nodePort: 30080 },
              { name: 's', port: 80, protocol: 'SCTP', nodePort: 30080 },
            ],
            ...spec,
          },
        } as any,
      ],
      slices: [
        {
          metadata: { name: 'w', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
          addressType: 'IPv4',
          ports: [
            { name: 't', port: 8080, protocol: 'TCP' },
            { name: 'u', port: 8080, protocol: 'UDP' },
            { name: 's', port: 8080, protocol: 'SCTP' },
          ],
          endpoints: endpoints.map(ip => ({ addresses: [ip], nodeName: 'n1', conditions: { ready: true } })),
        } as any,
      ],
    })

  /** By the statements of the change alone, as it happens on a node. */
  async function enforce(wanted: RuleSet): Promise<void> {
    const table = 'optiflow-services'
    const [before, after] = [serviceTableOf(inForce), serviceTableOf(wanted)]
    const isFirst = inForce.clusterIps.size === 0
    const script = isFirst ? wholeTable(table, after) : difference(table, before, after)
    await wires.node.run('nft', ['-f', '-'], { stdin: `${script.join('\n')}\n` })
    inForce = wanted
  }

  const from = async (protocol: 'tcp' | 'udp', host: string, port: number) => {
    const [program, ...args] = [...wires.inClient, process.execPath, '-e', ask[protocol](host, port)]
    return (await systemCommands.run(program!, args)).stdout
  }

  test('all endpoints get their share, by TCP and UDP, and each sees who calls', async () => {
    await enforce(rules({}, serverIp))
    for (const protocol of ['tcp', 'udp'] as const)
      expect(await from(protocol, '10.96.0.7', 80)).toBe(`server saw ${clientIp}`)
    await enforce(rules({}, serverIp, clientIp))
    for (const protocol of ['tcp', 'udp'] as const) {
      const seen = new Set<string>()
      for (let i = 0; i < 60 && seen.size < 2; i++) seen.add(await from(protocol, '10.96.0.7', 80))
      // Who happens to call itself sees the node.
      expect([...seen].sort()).toEqual([`client saw ${nodeIp}`, `server saw ${clientIp}`])
    }
  })

  test('who calls itself through its Service is answered, and sees the node', async () => {
    await enforce(rules({}, clientIp))
    for (const protocol of ['tcp', 'udp'] as const)
      expect(await from(protocol, '10.96.0.7', 80)).toBe(`client saw ${nodeIp}`)
    await enforce(rules({ sessionAffinity: 'ClientIP' }, clientIp))
    expect(await from('tcp', '10.96.0.7', 80)).toBe(`client saw ${nodeIp}`)
  })

  test('a node port hides the caller, unless it is kept to this node; without endpoints it is refused', async () => {
    await enforce(rules({ type: 'NodePort' }, serverIp))
    for (const protocol of ['tcp', 'udp'] as const)
      expect(await from(protocol, nodeIp, 30080)).toBe(`server saw ${nodeIp}`)
    await enforce(rules({ type: 'NodePort', externalTrafficPolicy: 'Local', externalIPs: ['192.0.2.9'] }, serverIp))
    // A pod is inside: it reaches all endpoints, as itself.
    expect(await from('tcp', nodeIp, 30080)).toBe(`server saw ${clientIp}`)
    expect(await from('tcp', '192.0.2.9', 80)).toBe(`server saw ${clientIp}`)
    await enforce(rules({}))
    expect(await from('tcp', '10.96.0.7', 80)).toBe('ECONNREFUSED')
  })

  test.skipIf(!python)('SCTP is led to its endpoint too, by address and by node port (needs Python)', async () => {
    await enforce(rules({ type: 'NodePort' }, serverIp))
    const heard: string[] = []
    const [program, ...words] = [...wires.inServer, python!, '-c', sctpListener]
    const listener = systemCommands.spawn(program!, words, { onLine: line => void heard.push(line) })
    try {
      await expect.poll(() => heard, { timeout: 20_000 }).toEqual(['up'])
      for (const [host, port] of [
        ['10.96.0.7', 80],
        [nodeIp, 30080],
      ] as const) {
        const [enter, ...args] = [...wires.inClient, python!, '-c', sctpKnock(host, port)]
        await systemCommands.run(enter!, args)
      }
      await expect.poll(() => heard.slice(1), { timeout: 20_000 }).toEqual([`${clientIp} 8080`, `${nodeIp} 8080`])
    } finally {
      listener.kill('SIGKILL')
      await listener.exited
    }
  })
})
