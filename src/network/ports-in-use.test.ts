import { expect, test } from 'vitest'
import type { Disk } from '../base/disk.ts'
import { listenersOf } from '../base/machine-ports.ts'
import type { HostPort } from '../models/host-ports.ts'
import { type HostPortInUse, refusePortsInUse } from './ports-in-use.ts'

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                      '
const line = (local: string, state: string, inode: number) =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0`
const tcp = [
  head,
  line('00000000:0016', '0A', 11), // sshd on all
  line('0100007F:1F90', '0A', 12), // 127.0.0.1:8080
  line('0B614D0A:1F91', '0A', 13), // 10.77.97.11:8081
  line('0B614D0A:1F92', '01', 14), // a connection
].join('\n')
const tcp6 = [head, line('00000000000000000000000000000000:1F93', '0A', 15)].join('\n')
const udp = [head, line('00000000:0035', '07', 16)].join('\n')

const disk = {
  async readText(path: string) {
    const files: Record<string, string> = {
      '/proc/self/net/tcp': tcp,
      '/proc/self/net/tcp6': tcp6,
      '/proc/self/net/udp': udp,
      '/proc/812/comm': 'sshd\n',
    }
    if (files[path] === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' })
    return files[path]
  },
  list: async (path: string) =>
    path === '/proc' ? [{ name: '812' }, { name: 'self' }] : path === '/proc/812/fd' ? [{ name: '3' }] : [],
  readlink: async () => 'socket:[11]',
} as unknown as Disk

const asking = (hostPort: number, rest: Partial<HostPort> = {}) =>
  refusePortsInUse(disk, [{ protocol: 'TCP', hostIp: '', hostPort, containerPort: 80, ...rest }], 'n1').then(
    () => 'free',
    (error: HostPortInUse) => error.message,
  )

test('a host port where a program of the machine listens is refused, with its name', async () => {
  await expect(
    refusePortsInUse(disk, [{ protocol: 'TCP', hostIp: '', hostPort: 22, containerPort: 22 }], 'n1'),
  ).rejects.toMatchObject({
    message: 'hostPort 22/TCP of node n1 is in use by sshd (process 812)',
    hint: expect.stringContaining('another hostPort'),
  })
  expect(await asking(22, { hostIp: '10.77.97.11' })).toContain('hostPort 22/TCP at 10.77.97.11 of node n1')
  expect(await asking(8081)).toContain('in use by another program of the machine')
  expect(await asking(8083)).toContain('8083/TCP')
  expect(await asking(53, { protocol: 'UDP' })).toContain('53/UDP')
})

test('other ports, other addresses, loopback alone, connections and other protocols are no obstacle', async () => {
  expect(await asking(23)).toBe('free')
  expect(await asking(8080)).toBe('free')
  expect(await asking(8080, { hostIp: '127.0.0.1' })).toContain('8080/TCP at 127.0.0.1')
  expect(await asking(8081, { hostIp: '10.77.97.12' })).toBe('free')
  expect(await asking(8082)).toBe('free')
  expect(await asking(22, { protocol: 'UDP' })).toBe('free')
  expect(await asking(22, { protocol: 'SCTP' })).toBe('free')
})

test('addresses are read as the kernel writes them', () => {
  const of = (local: string) => listenersOf([head, line(local, '0A', 1)].join('\n'), '0A')[0]!.address
  expect(of('0B614D0A:0050')).toBe('10.77.97.11')
  expect(of('0000000000000000FFFF00000B614D0A:0050')).toBe('10.77.97.11')
  expect(of('000080FE00000000000000000100000A:0050')).toBe('fe80::a00:1')
})
