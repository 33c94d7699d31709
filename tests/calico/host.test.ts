import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemCommands } from '../../src/base/commands.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { cleanHost } from '../../src/network/calico/index.ts'
import { type Lan, lanImpossible, type Machine, openLan } from '../support/lan.ts'
import { optiflow } from '../support/parts.ts'
import { onPath, run, until } from '../support/processes.ts'

const variants = ['iptables-nft', 'iptables-legacy']
const missing = ['ip', 'ipset', ...variants, 'nft', 'nsenter', 'unshare', 'mount'].filter(name => !onPath(name))
const obstacle = lanImpossible() ?? (missing.length ? `no ${missing.join(', ')}` : undefined)

describe.skipIf(obstacle)(`Calico and a machine${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lan: Lan
  let machine: Machine
  beforeAll(async () => {
    lan = await openLan(['n1'])
    machine = lan.machines['n1']!
  })
  afterAll(() => lan?.[Symbol.asyncDispose]())

  it('preflight finds a taken port, a private mount and a configuration in the way, each with its fix', async () => {
    const conf = join(lan.folder, 'net.d')
    await mkdir(conf)
    await writeFile(join(conf, '05-bridge.conflist'), '{}')
    const server = `require('net').createServer().listen(9099, () => console.log('up'))`
    const taker = machine.start(process.execPath, ['-e', server])
    try {
      await until('the port to be taken', () => taker.out().includes('up'))
      const look = (...more: string[]) =>
        machine.run(optiflow, ['calico', 'preflight', '--machine-only', '--cni-conf-dir', conf, ...more], {
          env: { PATH: process.env['PATH'], NO_COLOR: '1', HOME: lan.folder },
        })
      const { code, out, err } = await look()
      expect(code).toBe(1)
      expect(err).toMatch(/\d+ of \d+ checks failed/)
      expect(out).toMatch(
        /✖ port 9099\/tcp +in use by another program; Calico needs it for Felix's health\n.*→ See who: ss -Hlnpt sport = :9099/,
      )
      expect(out).toMatch(/✔ port 4789\/udp +free, for VXLAN/)
      expect(out).toMatch(/✖ CNI configurations .*05-bridge\.conflist comes before 10-calico\.conflist/)
      expect(out).toMatch(/✔ kernel: vxlan +there/)
      expect(out).toMatch(/✔ kernel: nftables sets +there/)
      const overlapping = await look('--pod-cidr', '10.0.0.0/8')
      expect(overlapping.out).toMatch(/✖ pod network 10\.0\.0\.0\/8 +overlaps 10\.77\.0\.0\/24 of interface eth0/)
      expect(await machine.ok('ip', ['-o', 'link'])).not.toContain('probe')
    } finally {
      await taker.stop()
    }
  })

  it('clean-host takes out all that Calico leaves, and nothing of anybody else', async () => {
    const ip = (...args: string[]) => machine.ok('ip', args)
    const iptables = (variant: string, ...args: string[]) => machine.ok(variant, args)
    for (const variant of variants) {
      await iptables(variant, '-N', 'OTHER')
      await iptables(variant, '-A', 'INPUT', '-j', 'OTHER')
    }
    await ip('route', 'add', '10.241.0.0/26', 'via', '10.77.0.12', 'proto', 'static', 'onlink', 'dev', 'eth0')
    const rulesOf = async (variant: string) =>
      (await machine.ok(`${variant}-save`, []))
        .split('\n')
        .filter(line => /^-A|^:\S+ -/.test(line))
        .map(line => line.replace(/ \[.*/, ''))
    await machine.ok('ipset', ['create', 'other', 'hash:net'])
    const picture = async () => ({
      links: (await ip('-br', 'link')).replace(/ +/g, ' ').split('\n').sort(),
      routes: await ip('-4', 'route', 'show', 'table', 'all'),
      sets: await machine.ok('ipset', ['list', '-n']),
      rules: await Promise.all(variants.map(rulesOf)),
    })
    const before = await picture()

    await ip('link', 'add', 'vxlan.calico', 'type', 'vxlan', 'id', '4096', 'dev', 'eth0', 'dstport', '4789')
    await ip('addr', 'add', '10.240.0.1/32', 'dev', 'vxlan.calico')
    await ip('link', 'set', 'vxlan.calico', 'up')
    await ip('link', 'add', 'cali0123456789a', 'type', 'veth', 'peer', 'name', 'inside')
    await ip('link', 'set', 'cali0123456789a', 'up')
    await ip('route', 'add', '10.240.0.5', 'dev', 'cali0123456789a', 'scope', 'link')
    await ip('route', 'add', 'blackhole', '10.240.0.0/26', 'proto', '80')
    await ip('route', 'add', '10.240.1.0/26', 'via', '10.77.0.12', 'proto', '80', 'onlink', 'dev', 'eth0')
    await ip('route', 'add', '10.240.2.0/26', 'via', '10.77.0.12', 'proto', 'bird', 'onlink', 'dev', 'eth0')
    await ip('route', 'add', 'blackhole', '10.240.3.0/26', 'proto', 'bird')
    for (const variant of variants) {
      for (const chain of ['cali-INPUT', 'cali-fw-x', 'cali-POSTROUTING']) await iptables(variant, '-N', chain)
      await iptables(variant, '-A', 'cali-INPUT', '-j', 'cali-fw-x')
      await iptables(variant, '-I', 'INPUT', '-m', 'comment', '--comment', 'cali:abc', '-j', 'cali-INPUT')
      await iptables(variant, '-t', 'nat', '-N', 'cali-nat')
      await iptables(variant, '-t', 'nat', '-A', 'POSTROUTING', '-j', 'cali-nat')
    }
    // A rule that matches a set holds it; so does a set of sets, as Felix makes one for hosts.
    await machine.ok('ipset', ['create', 'cali40s:abc', 'hash:net'])
    await machine.ok('ipset', ['create', 'cali60s:abc', 'hash:net', 'family', 'inet6'])
    await machine.ok('ipset', ['create', 'cali40all', 'list:set'])
    await machine.ok('ipset', ['add', 'cali40all', 'cali40s:abc'])
    for (const variant of variants)
      await iptables(variant, '-A', 'cali-fw-x', '-m', 'set', '--match-set', 'cali40s:abc', 'src', '-j', 'ACCEPT')
    for (const table of ['ip calico', 'arp calico-arp', 'ip calicos'])
      await machine.ok('nft', ['add', 'table', ...table.split(' ')])
    const root = join(lan.folder, 'root')
    for (const folder of ['etc/cni/net.d', 'opt/cni/bin', 'var/lib/calico', 'run/calico/cgroup', 'var'])
      await mkdir(join(root, folder), { recursive: true })
    for (const file of [
      'etc/cni/net.d/10-calico.conflist',
      'etc/cni/net.d/calico-kubeconfig',
      'etc/cni/net.d/87-other.conflist',
      'opt/cni/bin/calico',
      'opt/cni/bin/bridge',
      'var/lib/calico/nodename',
    ])
      await writeFile(join(root, file), '')

    // As Calico's first container does it; what is in there must stay, whatever it is.
    const kept = join(lan.folder, 'kept')
    await mkdir(kept)
    await writeFile(join(kept, 'file'), '')
    await symlink('../run', join(root, 'var/run'))
    await run('mount', ['--bind', kept, join(root, 'run/calico/cgroup')])

    const inside = {
      ...systemCommands,
      run: (file: string, args: readonly string[], options = {}) =>
        systemCommands.run('nsenter', [`--net=${machine.netns}`, file, ...args], options),
    }
    expect(await cleanHost(inside, systemDisk, root)).toBe(
      '2 interfaces, 8 chains, 3 sets, 5 files and folders removed',
    )
    expect(await picture()).toEqual(before)
    expect(await machine.ok('nft', ['list', 'tables'])).toMatch(/calicos/)
    expect(await machine.ok('nft', ['list', 'tables'])).not.toMatch(/calico(-arp)?$/m)
    expect(await readdir(kept)).toEqual(['file'])
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(root)
    expect(await readdir(join(root, 'etc/cni/net.d'))).toEqual(['87-other.conflist'])
    expect(await readdir(join(root, 'opt/cni/bin'))).toEqual(['bridge'])
    expect(await cleanHost(inside, systemDisk, root)).toBe(
      '0 interfaces, 0 chains, 0 sets, 0 files and folders removed',
    )
  })
})
