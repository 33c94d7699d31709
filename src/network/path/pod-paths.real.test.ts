import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { type Commands, systemCommands } from '../../base/commands.ts'
import { silentLogger } from '../../base/logger.ts'
import type { Node } from '../../models/kinds/index.ts'
import { removePaths } from './kernel-paths.ts'
import type { Encapsulation } from './plan-paths.ts'
import { PodPaths } from './pod-paths.ts'
import { tunnelDevice } from './tunnel.ts'

const able = process.getuid?.() === 0
const prefix = `of-path-${process.pid}`
const enter = (name: string, ...command: string[]) => [`--net=/run/netns/${prefix}-${name}`, ...command]
const inside = (name: string, ...command: string[]) =>
  systemCommands.run('nsenter', enter(name, ...command), { allowFailure: true })
const must = (name: string, command: string) => execFileSync('nsenter', enter(name, ...command.split(' ')))
const commandsOf = (name: string) =>
  ({
    run: (file: string, args: string[], options: object) =>
      systemCommands.run('nsenter', enter(name, file, ...args), options),
  }) as unknown as Commands

/** Two networks with a router between them: `a` and `b` are on the first, `c` on the second. Each has one pod. */
const machines = { a: '10.81.1.2', b: '10.81.1.3', c: '10.81.2.2' } as const
type Name = keyof typeof machines
const names = Object.keys(machines) as Name[]
const podCidr = (name: Name) => `10.244.${names.indexOf(name) + 1}.0/24`
const podIp = (name: Name) => `10.244.${names.indexOf(name) + 1}.2`
const underlayMtu = 1400

const node = (name: Name): Node =>
  ({
    metadata: { name },
    spec: { podCIDR: podCidr(name), podCIDRs: [podCidr(name)] },
    status: { addresses: [{ type: 'InternalIP', address: machines[name] }] },
  }) as any

/** What this test needs of an informer. */
const allNodes = { synced: true, list: () => names.map(node), subscribe: () => () => {} }

const open = (name: Name, encapsulation: Encapsulation) =>
  new PodPaths({
    nodeName: name,
    nodeIp: machines[name],
    podCidrs: [podCidr(name)],
    encapsulation,
    nodes: allNodes,
    commands: commandsOf(name),
    clock: systemClock,
    log: silentLogger,
  })

describe.skipIf(!able)('paths between pods in the kernel (needs root)', () => {
  let paths: PodPaths[] = []
  const all = async (encapsulation: Encapsulation) => {
    paths = names.map(name => open(name, encapsulation))
    await Promise.all(paths.map(p => p.now()))
  }
  const closeAll = async () => {
    await Promise.all(paths.map(p => p[Symbol.asyncDispose]()))
    for (const name of names) await removePaths(commandsOf(name))
  }

  beforeAll(() => {
    const addNamespace = (name: string) => {
      execFileSync('ip', ['netns', 'add', `${prefix}-${name}`])
      must(name, 'ip link set lo up')
    }
    const wire = (from: string, to: string, device: string, mtu: number) =>
      must(from, `ip link add ${device} mtu ${mtu} type veth peer name eth0 netns ${prefix}-${to} mtu ${mtu}`)
    addNamespace('router')
    must('router', 'ip link add br0 type bridge')
    must('router', 'ip addr add 10.81.1.1/24 dev br0')
    must('router', 'ip addr add 10.81.2.1/24 dev br0')
    must('router', 'ip link set br0 up')
    must('router', 'sysctl -qw net.ipv4.ip_forward=1')
    for (const name of names) {
      addNamespace(name)
      wire('router', name, `to-${name}`, underlayMtu)
      must('router', `ip link set to-${name} master br0 up`)
      must(name, `ip addr add ${machines[name]}/24 dev eth0`)
      must(name, 'ip link set eth0 up')
      must(name, `ip route add default via ${machines[name].replace(/\d+$/, '1')}`)
      must(name, 'sysctl -qw net.ipv4.ip_forward=1')
      addNamespace(`pod-${name}`)
      wire(name, `pod-${name}`, 'pod', underlayMtu - 50)
      must(name, `ip addr add ${podIp(name).replace(/2$/, '1')}/24 dev pod`)
      must(name, 'ip link set pod up')
      must(`pod-${name}`, `ip addr add ${podIp(name)}/24 dev eth0`)
      must(`pod-${name}`, 'ip link set eth0 up')
      must(`pod-${name}`, `ip route add default via ${podIp(name).replace(/2$/, '1')}`)
    }
  })
  afterAll(async () => {
    await closeAll()
    for (const name of ['router', ...names, ...names.map(n => `pod-${n}`)])
      execFileSync('ip', ['netns', 'del', `${prefix}-${name}`])
  })

  const reaches = async (from: Name, to: Name, bytes = 8) =>
    (await inside(`pod-${from}`, 'busybox', 'ping', '-c', '1', '-W', '2', '-s', String(bytes), podIp(to))).code === 0
  const matrix = () =>
    Promise.all(names.flatMap(from => names.filter(to => to !== from).map(to => reaches(from, to)))).then(r =>
      r.every(Boolean),
    )
  /** Packets that came into the tunnel of a node. */
  const tunnelled = async (name: Name) => {
    const { code, stdout } = await inside(name, 'ip', '-s', '-j', 'link', 'show', tunnelDevice)
    return code === 0 ? (JSON.parse(stdout)[0].stats64.rx.packets as number) : undefined
  }
  const fragments = (name: string) => {
    const text = execFileSync('nsenter', enter(name, 'cat', '/proc/net/snmp')).toString()
    const [keys, values] = text.split('\n').filter(l => l.startsWith('Ip:')) as [string, string]
    return Number(values.split(' ')[keys.split(' ').indexOf('FragCreates')])
  }

  test('every pod reaches every other: within a network as it is, across by the tunnel', async () => {
    await all('vxlan-cross-subnet')
    expect(await matrix()).toBe(true)
    const before = [await tunnelled('b'), await tunnelled('c')]
    expect(await reaches('a', 'b')).toBe(true)
    expect(await reaches('a', 'c')).toBe(true)
    expect([await tunnelled('b'), await tunnelled('c')]).toEqual([before[0], before[1]! + 1])
    expect(await inside('a', 'ip', 'route', 'get', podIp('b'))).toMatchObject({
      stdout: expect.stringContaining('dev eth0'),
    })
  })

  test('the largest packet of a pod fits into one of the nodes; one byte more does not', async () => {
    const room = underlayMtu - 50 - 28
    const count = () => ['a', 'c', 'router', 'pod-a', 'pod-c'].map(fragments)
    const before = count()
    expect(await reaches('a', 'c', room)).toBe(true)
    expect(count()).toEqual(before)
    expect(await reaches('a', 'c', room + 1)).toBe(true)
    expect(count()).not.toEqual(before)
  })

  test('a node itself reaches the pods of the others, and they it', async () => {
    const ping = (from: string, to: string) => inside(from, 'busybox', 'ping', '-c', '1', '-W', '2', to)
    expect(await ping('a', podIp('c'))).toMatchObject({ code: 0 })
    expect(await ping('pod-c', machines.a)).toMatchObject({ code: 0 })
  })

  test('what somebody deletes comes back: the device, a route, a neighbour', async () => {
    const look = () => Promise.all(paths.map(p => p.now()))
    for (const line of [
      `ip link del ${tunnelDevice}`,
      `ip route del ${podCidr('c')}`,
      `ip neigh del 10.244.3.0 dev ${tunnelDevice}`,
      `bridge fdb del 0e:f1:0a:51:02:02 dev ${tunnelDevice} self`,
    ]) {
      must('a', line)
      await look()
      expect([line, await reaches('a', 'c')]).toEqual([line, true])
    }
  })

  test('a device that is right is left alone when we start again', async () => {
    const index = async () =>
      JSON.parse((await inside('a', 'ip', '-j', 'link', 'show', tunnelDevice)).stdout)[0].ifindex
    const before = await index()
    await Promise.all(paths.map(p => p[Symbol.asyncDispose]()))
    await all('vxlan-cross-subnet')
    expect(await index()).toBe(before)
  })

  test('vxlan takes the tunnel always; none takes it away', async () => {
    await closeAll()
    await all('vxlan')
    expect(await matrix()).toBe(true)
    expect(await tunnelled('b')).toBeGreaterThan(0)
    await Promise.all(paths.map(p => p[Symbol.asyncDispose]()))
    await all('none')
    expect(await tunnelled('b')).toBeUndefined()
    expect(await reaches('a', 'b')).toBe(true)
    expect(await reaches('a', 'c')).toBe(false)
  })

  test('nothing of it stays once it is taken out', async () => {
    await closeAll()
    for (const name of names) {
      expect((await inside(name, 'ip', 'route', 'show', 'proto', '142')).stdout).toBe('')
      expect((await inside(name, 'ip', 'link', 'show', tunnelDevice)).code).not.toBe(0)
    }
    expect(readFileSync('/proc/net/dev', 'utf8')).not.toContain(tunnelDevice)
  })
})
