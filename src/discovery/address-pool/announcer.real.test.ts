import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { type Commands, systemCommands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { poolCondition } from '../../models/address-pool.ts'
import { EndpointSlice, Node, Service } from '../../models/kinds/index.ts'
import { Announcer, removeAnnounced } from './announcer.ts'
import { announcerOf } from './pool-plan.ts'

const able = process.getuid?.() === 0
const prefix = `of-pool-${process.pid}`
const enter = (name: string, ...command: string[]) => [`--net=/run/netns/${prefix}-${name}`, ...command]
const must = (name: string, command: string) => execFileSync('nsenter', enter(name, ...command.split(' '))).toString()
const commandsOf = (name: string) =>
  ({
    run: (file: string, args: string[], options: object) =>
      systemCommands.run('nsenter', enter(name, file, ...args), options),
  }) as unknown as Commands

const folder = mkdtempSync(join(tmpdir(), 'optiflow-pool-'))
const noteOf = (name: string) => join(folder, `${name}.json`)
const ips = ['10.82.0.100', 'fd82::100']
const machines = ['a', 'b'] as const
let ready = new Set<string>(machines)

const nodes = () =>
  machines.map((name, i) => ({
    metadata: { name },
    status: {
      addresses: [{ type: 'InternalIP', address: `10.82.0.${11 + i}` }],
      conditions: [{ type: 'Ready', status: ready.has(name) ? 'True' : 'Unknown' }],
    },
  }))
const service = {
  metadata: { name: 'web', namespace: 'default' },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  status: {
    loadBalancer: { ingress: ips.map(ip => ({ ip })) },
    conditions: [{ type: poolCondition, status: 'True' }],
  },
}
/** What this test needs of informers. */
const informers = {
  for: (kind: unknown) => ({
    synced: true,
    list: () => (kind === Node ? nodes() : kind === Service ? [service] : kind === EndpointSlice ? [] : []),
    subscribe: () => () => {},
  }),
}

describe.skipIf(!able)('addresses announced on a LAN (needs root)', () => {
  let announcers: Announcer[] = []

  beforeAll(async () => {
    for (const name of ['lan', ...machines]) {
      execFileSync('ip', ['netns', 'add', `${prefix}-${name}`])
      must(name, 'ip link set lo up')
    }
    must('lan', 'ip link add br0 type bridge')
    must('lan', 'ip addr add 10.82.0.1/24 dev br0')
    must('lan', 'ip addr add fd82::1/64 dev br0 nodad')
    must('lan', 'ip link set br0 up')
    for (const [i, name] of machines.entries()) {
      must('lan', `ip link add to-${name} type veth peer name eth0 netns ${prefix}-${name}`)
      must('lan', `ip link set to-${name} master br0 up`)
      must(name, `ip addr add 10.82.0.${11 + i}/24 dev eth0`)
      must(name, `ip addr add fd82::${11 + i}/64 dev eth0 nodad`)
      must(name, 'ip link set eth0 up')
    }
    announcers = machines.map(
      (nodeName, i) =>
        new Announcer({
          ...{ nodeName, nodeIp: `10.82.0.${11 + i}`, informers: informers as any, disk: systemDisk },
          noteFile: noteOf(nodeName),
          ...{ commands: commandsOf(nodeName), clock: systemClock, log: silentLogger },
        }),
    )
  })
  afterAll(async () => {
    for (const announcer of announcers) await announcer[Symbol.asyncDispose]()
    for (const name of ['lan', ...machines]) execFileSync('ip', ['netns', 'del', `${prefix}-${name}`])
    rmSync(folder, { recursive: true })
  })

  const look = () => Promise.all(announcers.map(a => a.now()))
  const reached = async (ip: string) =>
    (
      await systemCommands.run('nsenter', enter('lan', 'busybox', 'ping', '-c', '1', '-W', '1', ip), {
        allowFailure: true,
      })
    ).code === 0
  const macOf = (name: string) => JSON.parse(must(name, 'ip -j link show eth0'))[0].address as string
  const neighbour = (ip: string) => JSON.parse(must('lan', `ip -j neigh show ${ip}`))[0]?.lladdr as string | undefined

  test('each is reached on the one node that has it, which the others find by asking', async () => {
    await look()
    for (const ip of ips) {
      await expect.poll(() => reached(ip), { timeout: 10_000 }).toBe(true)
      expect(neighbour(ip)).toBe(macOf(announcerOf(ip, machines)!))
    }
  })

  test('when its node is gone the other has it, and who knew the old place is told', async () => {
    for (const ip of ips) {
      ready = new Set(machines)
      await look()
      await expect.poll(() => reached(ip), { timeout: 10_000 }).toBe(true)
      const first = announcerOf(ip, machines)!
      const second = machines.find(name => name !== first)!
      ready = new Set([second])
      // Its cable is out.
      must('lan', `ip link set to-${first} down`)
      await announcers[machines.indexOf(second)]!.now()
      await expect.poll(() => neighbour(ip), { timeout: 10_000 }).toBe(macOf(second))
      expect(await reached(ip)).toBe(true)
      await look()
      must('lan', `ip link set to-${first} up`)
    }
  })

  test('the node does not speak by such an address itself', () => {
    ready = new Set(machines)
    for (const name of machines)
      expect(must(name, 'ip route get 10.82.0.1')).toContain(`src 10.82.0.1${name === 'a' ? 1 : 2}`)
  })

  test('what somebody else has put there, in the same way, stays', async () => {
    const theirs = 'fd82::200'
    must('a', `ip addr add ${theirs}/128 dev eth0 nodad valid_lft forever preferred_lft 0`)
    await look()
    expect(must('a', 'ip -o addr show')).toContain(theirs)
  })

  test('nothing of it stays once it is taken out', async () => {
    for (const announcer of announcers) await announcer[Symbol.asyncDispose]()
    for (const name of machines) {
      await removeAnnounced(commandsOf(name), systemDisk, noteOf(name))
      for (const ip of ips) expect(must(name, 'ip -o addr show')).not.toContain(ip)
    }
  })
})
