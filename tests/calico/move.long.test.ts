import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lan, openLan } from '../support/lan.ts'
import { isReady, Parts, realImpossible } from '../support/parts.ts'
import { run, type Started, until } from '../support/processes.ts'
import { testRegistry } from '../support/registries.ts'
import { shapeManifest } from './shape.ts'

const obstacle = realImpossible()
const long = { timeoutMs: 120_000 }

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(
  `running pods from the built-in network to a CNI plugin's and back${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lan: Lan
    let n1: Parts
    let registry: Started
    let host: string
    let manifest: string

    const up = (...network: string[]) =>
      n1.start(
        'up',
        [
          ...['--runtime', 'containerd', '--data-dir', n1.dataDir, '--listen', '10.77.0.11:6443', '--node-name', 'n1'],
          ...['--kubeconfig', n1.kubeconfig, '--registry-mirror', 'registry.test=http://10.77.0.11:5000', ...network],
        ],
        'The API answers at',
      )
    const cni = () => {
      const folders = ['--cni-conf-dir', join(host, 'etc/cni/net.d'), '--cni-bin-dir', join(host, 'opt/cni/bin')]
      return up('--network', 'cni', ...folders)
    }
    const install = (...more: string[]) =>
      n1.optiflowRun(
        ...['calico', 'install', '--manifest', manifest, '--pod-cidr', '10.99.0.0/16', '--timeout', '90', ...more],
      )
    const links = async (pattern: RegExp) =>
      (await n1.machine.ok('ip', ['-o', 'link'])).split('\n').filter(line => pattern.test(line))
    /** Addresses of the Deployment's pods, once they are ready and as many as it wants. */
    const addresses = async (network: RegExp) => {
      const pods = (await n1.pods('app=web')).filter(isReady)
      const found = pods.map((pod: any) => pod.status.podIP).filter((ip: string) => network.test(ip))
      return found.length === 2 && pods.length === 2 ? found : undefined
    }

    beforeAll(async () => {
      console.log('Calico itself was not run here: a manifest of its shape runs stubs')
      lan = await openLan(['n1'])
      n1 = new Parts(lan.machines['n1']!, lan.folder)
      host = join(lan.folder, 'host')
      for (const path of ['sys/fs/bpf', 'lib/modules', 'run', 'etc/cni/net.d', 'opt/cni/bin'])
        await mkdir(join(host, path), { recursive: true })
      await run('mount', ['--bind', host, host])
      await run('mount', ['--make-rshared', host])
      registry = await testRegistry(n1.machine, 5000)
      manifest = join(lan.folder, 'calico.yaml')
      const images = {
        nodeImage: 'registry.test/calico-node:1',
        controllersImage: 'registry.test/calico-controllers:1',
      }
      await writeFile(manifest, await shapeManifest({ ...images, host }))
      await up()
      await n1.apply({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'default' },
        spec: {
          replicas: 2,
          selector: { matchLabels: { app: 'web' } },
          template: {
            metadata: { labels: { app: 'web' } },
            spec: {
              terminationGracePeriodSeconds: 0,
              containers: [{ name: 'c', image: 'registry.test/web:1' }],
            },
          },
        },
      })
      await until('pods in the built-in network', () => addresses(/^10\.244\./), long)
    }, 180_000)

    afterAll(async () => {
      await n1?.[Symbol.asyncDispose]()
      await registry?.stop()
      if (host) await run('umount', ['-R', '-l', host])
      await lan?.[Symbol.asyncDispose]()
    })

    it('is refused while nodes still run the built-in network, and nothing is written', async () => {
      const { code, out, err } = await install('--any-version', '--move-pods')
      expect([code, out + err]).toEqual([1, expect.stringContaining('runs its pods in the built-in network')])
      expect(await n1.kubectl('get', 'crd', '-o', 'name')).not.toContain('projectcalico')
    })

    it('without consent the pods stay where they are, and are named', async () => {
      await n1.end('up')
      await cni()
      const { code, out, err } = await install('--any-version')
      expect(code, out + err).toBe(0)
      expect(out).toMatch(/2 still in another network \(default\/web-.*: delete them, or run it again with --move-pods/)
      expect(await addresses(/^10\.244\./)).toHaveLength(2)
    }, 150_000)

    it('with consent they are made anew with addresses of the pool, and the old network goes with the last one', async () => {
      expect(await links(/optiflow0/)).not.toEqual([])
      const { code, out, err } = await install('--any-version', '--move-pods')
      expect(code, out + err).toBe(0)
      expect(out).toContain('2 evicted from their old network')
      const [first] = (await until('pods in the new network', () => addresses(/^10\.99\./), long))!
      expect(await n1.machine.ok('curl', ['-sf', '-m', '5', `http://${first}:8080/`])).toContain('version 1')
      await until('the bridge and its veths to be gone', async () => (await links(/optiflow0/)).length === 0, long)
      expect(await n1.machine.ok('nft', ['list', 'tables'])).not.toContain('optiflow-pods')
      const veths = await links(/ veth/)
      expect(
        veths.every(line => line.includes('master fakecali0')),
        veths.join('\n'),
      ).toBe(true)
    }, 150_000)

    it('and back: uninstalled, started with the built-in network, made anew in it, with nothing of the plugin left', async () => {
      await n1.optiflow('calico', 'uninstall', '--force', '--node-name', 'another')
      await n1.end('up')
      await up()
      await n1.kubectl('delete', 'pods', '-l', 'app=web', '--wait=false')
      const [first] = (await until('pods in the built-in network', () => addresses(/^10\.244\./), long))!
      expect(await n1.machine.ok('curl', ['-sf', '-m', '5', `http://${first}:8080/`])).toContain('version 1')
      await until('no veth of the plugin', async () => (await links(/master fakecali0/)).length === 0, long)
      const given = (await readdir(join(n1.dataDir, 'cni'), { recursive: true })).filter(path => /10\.244\./.test(path))
      expect(given.length).toBe((await n1.get('pods', '-A')).items.filter((p: any) => !p.spec.hostNetwork).length)
    }, 150_000)
  },
)
