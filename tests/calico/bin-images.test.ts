import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onPath, run } from '../support/processes.ts'
import { imagesOfFolder } from './bin-images.ts'

/** As images have it: what was copied comes before busybox's own. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const missing = ['ldd', 'chroot', 'tar', 'ip', 'ipset', 'nft', 'iptables', 'busybox'].filter(name => !onPath(name))
const obstacle = process.getuid?.() !== 0 ? 'not root' : missing.length ? `no ${missing.join(', ')}` : undefined

/** Stands in for calico-node: says in a file what it was asked. */
const fakeNode = `#!/bin/sh
echo "$* as \${FELIX_FELIXHOSTNAME:-nobody}" >> /calls
case "$*" in
-startup) mkdir -p /var/lib/calico; echo n1 > /var/lib/calico/nodename ;;
-felix) while [ ! -e /stop ]; do sleep 0.1; done ;;
-node-services|-confd) exec sleep 600 ;;
esac
`

describe.skipIf(obstacle)(`images of a folder of binaries${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let folder: string
  let bin: string
  const version = 'v3.32.1'
  const names = ['node', 'cni', 'kube-controllers'].map(name => `registry.test/calico/${name}:${version}`)

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'optiflow-bin-'))
    bin = join(folder, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'calico-node'), fakeNode)
    for (const name of ['calico', 'calico-ipam', 'install', 'kube-controllers'])
      await writeFile(join(bin, name), `#!/bin/sh\necho ${name}\n`)
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('name all that is missing at once, and images that nobody knows', async () => {
    await expect(imagesOfFolder(bin, names)).rejects.toThrow(`${bin} has no check-status`)
    await expect(imagesOfFolder(bin, ['example/other:1'])).rejects.toThrow('no binary is known to be it')
    await writeFile(join(bin, 'check-status'), '#!/bin/sh\n')
  })

  it('have the programs that Felix calls, with all they load, and start what calico-node is made of in its order', async () => {
    const [image] = await imagesOfFolder(bin, names.slice(0, 1))
    expect(image!.name).toBe(names[0])
    const root = await unpack(image!.archive)
    for (const [program, word] of [
      ['ip', '-V'],
      ['ipset', '--version'],
      ['nft', '--version'],
      ['iptables', '--version'],
    ])
      expect((await run('chroot', [root, program!, word!], { env: { PATH } })).code, program).toBe(0)
    // What a runtime gives every container, and shells need for what runs beside them.
    await mkdir(join(root, 'dev'))
    for (const file of ['dev/null', 'stop']) await writeFile(join(root, file), '')
    // Felix ends, and with it all the rest: the node agent starts the container anew.
    const { code, err } = await run('chroot', [root, '/start'], { env: { PATH, CALICO_NETWORKING_BACKEND: 'vxlan' } })
    expect([code, err]).toEqual([1, ''])
    const calls = (await readFile(join(root, 'calls'), 'utf8')).trim().split('\n')
    expect(calls.slice(0, 2)).toEqual([
      '-startup as nobody',
      '-allocate-tunnel-addrs -allocate-tunnel-addrs-run-once as n1',
    ])
    expect(calls.slice(2).sort()).toEqual(['-felix as n1', '-node-services as n1'])
  })

  it('have BIRD and its templates where the folder has them, and keep it running with its backend', async () => {
    const fake = (name: string) => `#!/bin/sh\necho "${name} $*" >> /calls\ntouch /stop\n`
    for (const name of ['bird', 'bird6']) await writeFile(join(bin, name), fake(name))
    await mkdir(join(bin, 'confd/conf.d'), { recursive: true })
    await writeFile(join(bin, 'confd/conf.d/bird.toml'), '')
    const [image] = await imagesOfFolder(bin, names.slice(0, 1))
    const root = await unpack(image!.archive)
    expect((await run('ls', [join(root, 'etc/calico/confd/conf.d')])).out).toBe('bird.toml\n')
    await mkdir(join(root, 'dev'))
    await writeFile(join(root, 'dev/null'), '')
    // BIRD ends, is begun anew, and lets Felix end, with which all ends.
    expect((await run('chroot', [root, '/start'], { env: { PATH, CALICO_NETWORKING_BACKEND: 'bird' } })).code).toBe(1)
    const calls = await readFile(join(root, 'calls'), 'utf8')
    expect(calls).toContain('-confd as n1\n')
    expect(calls).toContain('bird -R -s /var/run/calico/bird.ctl -d -c /etc/calico/confd/config/bird.cfg\n')
  })

  it('have the plugin where install-cni looks for it', async () => {
    const [cni] = await imagesOfFolder(bin, names.slice(1, 2))
    const root = await unpack(cni!.archive)
    expect((await run('chroot', [root, '/opt/cni/bin/calico'])).out).toBe('calico\n')
    const { out } = await run('ls', [join(root, 'opt/cni/bin')])
    expect(out.split('\n')).toEqual(
      expect.arrayContaining(['portmap', 'loopback', 'host-local', 'bandwidth', 'tuning']),
    )
  })

  it('have folders that the user of kube-controllers writes its state into', async () => {
    const [image] = await imagesOfFolder(bin, names.slice(2))
    const { uid } = await stat(join(await unpack(image!.archive), 'status'))
    expect(uid).toBe(999)
  })

  /** As a container runtime would: layer upon layer. */
  async function unpack(archive: Buffer): Promise<string> {
    const place = await mkdtemp(join(folder, 'root-'))
    const layout = join(place, 'layout')
    const root = join(place, 'root')
    await mkdir(layout)
    await mkdir(root)
    await writeFile(join(place, 'archive.tar'), archive)
    const untar = async (file: string, into: string) =>
      expect((await run('tar', ['-xf', file, '-C', into])).err).toBe('')
    await untar(join(place, 'archive.tar'), layout)
    const blob = (digest: string) => join(layout, 'blobs/sha256', digest.slice(7))
    const json = async (path: string) => JSON.parse(await readFile(path, 'utf8'))
    const index = await json(join(layout, 'index.json'))
    const { layers } = await json(blob(index.manifests[0].digest))
    for (const { digest } of layers) await untar(blob(digest), root)
    return root
  }
})
