import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { root } from './support/cluster.ts'
import { lanImpossible, openLan } from './support/lan.ts'
import { onPath, run, until } from './support/processes.ts'

const operations = Number(process.env['PARTITION_OPERATIONS'] ?? 30_000)

/** Needs root and etcd: each member is in a network namespace of its own. PARTITION_OPERATIONS=100000 for more. */
it.skipIf(lanImpossible() !== undefined || !onPath('etcd'))(
  `stores on three etcd members answer ${operations} operations as one register each would, while one member after another is cut off`,
  async () => {
    await using lan = await openLan(['m0', 'm1', 'm2'])
    const members = Object.values(lan.machines)
    const all = members.map(m => `${m.name}=http://${m.ip}:2380`).join(',')
    const etcds = members.map(({ name, ip, start }) => {
      const urls = (port: number) => `http://${ip}:${port}`
      return start('etcd', [
        ...['--name', name, '--data-dir', join(lan.folder, name), '--logger', 'zap', '--log-level', 'error'],
        ...['--listen-client-urls', urls(2379), '--advertise-client-urls', urls(2379)],
        ...['--listen-peer-urls', urls(2380), '--initial-advertise-peer-urls', urls(2380)],
        ...['--initial-cluster', all, '--max-txn-ops', '1024'],
      ])
    })
    const script = join(root, 'tests/support/linear-main.ts')
    const endpoints = members.map(m => `http://${m.ip}:2379`)
    const bridge = (...args: string[]) =>
      run('ip', ['-n', lan.outside.netns.split('/').at(-1)!, 'link', 'set', ...args])
    const begin = () =>
      lan.outside.start(process.execPath, ['--import', 'tsx', script, `${operations}`, ...endpoints], { cwd: root })
    let load = begin()
    try {
      await until('the load', async () => {
        // The members may not have elected anybody yet.
        if (load.child.exitCode !== null) load = begin()
        return load.out().includes('begun')
      })
      let cuts = 0
      for (; load.child.exitCode === null; cuts++) {
        const wire = `to-m${cuts % 3}`
        await bridge(wire, 'down')
        await wait(2500)
        await bridge(wire, 'up')
        await wait(2500)
      }
      const result = JSON.parse(load.out().split('\n').at(-2)!)
      console.log(`${cuts} cuts, ${result.operations} operations, ${result.lost} writes without an answer`)
      expect(result.violations).toEqual([])
      expect(result.operations).toBeGreaterThanOrEqual(operations)
      expect(cuts).toBeGreaterThanOrEqual(2)
    } finally {
      await load.stop('SIGKILL')
      for (const etcd of etcds) await etcd.stop('SIGKILL')
    }
  },
)
