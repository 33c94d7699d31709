import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemCommands } from '../src/base/commands.ts'
import { systemDisk } from '../src/base/disk.ts'
import { ociArchive } from '../src/runtime/oci-image.ts'
import { type Lan, openLan } from './support/lan.ts'
import { cgroupsOf, leftovers, stateFolderOf, type Traces, tracesOf } from './support/leftovers.ts'
import { isReady, optiflow, Parts, realImpossible } from './support/parts.ts'
import { onPath, type Started, until } from './support/processes.ts'
import { debianRegistry, testRegistry } from './support/registries.ts'
import { webImage } from './support/web-image.ts'

const obstacle = realImpossible()
const selector = 'optiflow.dev/workload=web'

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(
  `a workload on one node with real containers${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lan: Lan
    let parts: Parts
    let registry: Started
    let before: Traces
    const server = ['--listen', '10.77.0.11:6443', '--kubeconfig']
    const agent: string[] = []
    const uids = new Set<string>()

    const startServer = () =>
      parts.start('server', ['--data-dir', parts.dataDir, ...server, parts.kubeconfig], 'nodes join')
    const startAgent = () => parts.start('agent', ['--data-dir', parts.dataDir, ...agent], '✔ network')
    const startManagers = async () => {
      const args = ['--data-dir', parts.dataDir, '--kubeconfig', parts.kubeconfig]
      await Promise.all([parts.start('controller', args, 'at work'), parts.start('scheduler', args, 'at work')])
    }

    beforeAll(async () => {
      lan = await openLan(['box'])
      const box = lan.machines['box']!
      parts = new Parts(box, lan.folder)
      before = await tracesOf(box, parts.dataDir)
      registry = await testRegistry(box, 5000)
      const { token } = /--token (?<token>\S+)/.exec((await startServer()).out())!.groups!
      await startManagers()
      agent.push('--server', 'https://10.77.0.11:6443', '--token', token!, '--node-name', 'box')
      agent.push('--registry-mirror', 'registry.test=http://127.0.0.1:5000,debian.test=http://127.0.0.1:5001')
      await startAgent()
    })

    afterAll(async () => {
      await parts?.[Symbol.asyncDispose]()
      await registry?.stop()
      await lan?.[Symbol.asyncDispose]()
    })

    const pods = async (): Promise<any[]> => {
      const found = await parts.pods(selector)
      for (const pod of found) uids.add(pod.metadata.uid)
      return found
    }
    const readyPods = (count: number, holds: (pod: any) => boolean = () => true) =>
      until(
        `${count} ready pods`,
        async () => {
          const found = await pods()
          return found.length === count && found.every(p => isReady(p) && holds(p)) ? found : undefined
        },
        { timeoutMs: 40_000 },
      )
    /** What must not change while only we are away. */
    const lives = (found: any[]) =>
      found
        .map(({ metadata, status }) => ({
          pod: metadata.name,
          container: status.containerStatuses[0].containerID,
          started: status.containerStatuses[0].state.running?.startedAt,
          restarts: status.containerStatuses[0].restartCount,
        }))
        .sort((a, b) => (a.pod < b.pod ? -1 : 1))
    const fromLan = () => lan.outside.ok('wget', ['-qO-', '-T', '3', '-t', '1', 'http://10.77.0.11:30080/'])

    it('the node is ready soon after it has joined', async () => {
      await until('the node to be Ready', async () => isReady(await parts.get('node', 'box')))
      expect((await parts.get('node', 'box')).spec.taints ?? []).toEqual([])
    })

    it('a submitted workload is scheduled, pulled, started and reported ready', async () => {
      await parts.apply({
        apiVersion: 'optiflow.dev/v1',
        kind: 'Workload',
        metadata: { name: 'web', namespace: 'default' },
        spec: {
          image: 'registry.test/web:1',
          replicas: 2,
          ports: [{ port: 8080 }],
          expose: { type: 'NodePort', nodePort: 30080 },
          healthCheck: { http: { path: '/' }, intervalSeconds: 1 },
          terminationGracePeriodSeconds: 5,
        },
      })
      const found = await readyPods(2)
      expect(found.map(p => p.spec.nodeName)).toEqual(['box', 'box'])
      await until(
        'the workload to say so',
        async () => (await parts.get('workload', 'web')).status?.readyReplicas === 2,
      )
      const reasons = new Set((await parts.get('events')).items.map((e: any) => e.reason))
      expect([...reasons]).toEqual(expect.arrayContaining(['Scheduled', 'Pulling', 'Pulled', 'Created', 'Started']))
    })

    it('it answers at its cluster address, its node port, and its name from another pod', async () => {
      await parts.apply({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'visitor', namespace: 'default' },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'sh', image: 'registry.test/web:1', command: ['sleep', '3600'] }],
        },
      })
      const { clusterIP } = (await parts.get('service', 'web')).spec
      const box = lan.machines['box']!
      const wget = ['-qO-', '-T', '3', '-t', '1']
      await until('an answer at the cluster address', () => box.ok('wget', [...wget, `http://${clusterIP}:8080/`]))
      expect(await fromLan()).toMatch(/^version 1 on web-/)
      expect(await box.ok('wget', [...wget, 'http://127.0.0.1:30080/'])).toMatch(/^version 1 on web-/)

      await until('the visitor', async () => isReady(await parts.get('pod', 'visitor')))
      // Without -T: with it, Debian's static busybox 1.35 crashes.
      const ask = (url: string) => parts.kubectl('exec', 'visitor', '--', 'wget', '-qO-', url)
      for (const name of ['web', 'web.default', 'web.default.svc.cluster.local', clusterIP])
        expect(await ask(`http://${name}:8080/`)).toMatch(/^version 1 on web-/)
      const [pod] = await pods()
      expect(await ask(`http://${pod.status.podIP}:8080/`)).toBe(`version 1 on ${pod.metadata.name}\n`)
    })

    it('an image that no registry has comes out of an archive, as a file or through a pipe', async () => {
      const file = join(lan.folder, 'app.tar')
      const image = await webImage(systemDisk, systemCommands, 'archived')
      await writeFile(file, ociArchive(image, 'docker.io/library/archived:1'))
      const flags = ['--data-dir', parts.dataDir]
      const said = await parts.optiflow('node', 'import', file, ...flags)
      expect(said).toBe(`docker.io/library/archived:1 ${image.manifest.digest}\n`)
      await lan.machines['box']!.ok('sh', ['-c', `gzip -k ${file}`])
      const pipe = 'cat "$2" | "$0" node import - --name archived:2 --data-dir "$1"'
      const piped = ['-c', pipe, optiflow, parts.dataDir, file]
      expect(await lan.machines['box']!.ok('sh', piped)).toContain('docker.io/library/archived:2 ')
      expect(await parts.optiflow('node', 'import', `${file}.gz`, ...flags)).toContain('archived:1 ')
      const container = { name: 'main', image: 'archived:2', imagePullPolicy: 'Never' }
      const spec = { terminationGracePeriodSeconds: 0, containers: [container] }
      await parts.apply({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'archived', namespace: 'default' }, spec })
      await until('its pod', async () => isReady(await parts.get('pod', 'archived')))
      expect(await parts.kubectl('logs', 'archived')).toContain('serving version archived')
      await parts.kubectl('delete', 'pod', 'archived')
      expect((await readdir(parts.dataDir)).filter(name => name.startsWith('import-'))).toEqual([])
      await writeFile(file, 'no archive')
      await expect(parts.optiflow('node', 'import', file, ...flags)).rejects.toThrow(`${file} cannot be unpacked`)
    })

    it('what is secret is only in memory', async () => {
      const mounts = await parts.kubectl('exec', 'visitor', '--', 'cat', '/proc/mounts')
      expect(mounts).toMatch(/^tmpfs \/var\/run\/secrets\/kubernetes\.io\/serviceaccount tmpfs ro,/m)
    })

    it('the words and the inside of a container can be reached through the API', async () => {
      const [pod] = await pods()
      expect(await parts.kubectl('logs', pod.metadata.name)).toContain('serving version 1')
      expect(await parts.kubectl('exec', pod.metadata.name, '--', 'hostname')).toBe(`${pod.metadata.name}\n`)
      const followed = parts.kubectlStart(['logs', '-f', pod.metadata.name])
      await until('followed words', () => followed.out().includes('serving version 1'))
      await followed.stop()
    })

    it.each([
      ['WebSocket', {}],
      ['SPDY', { KUBECTL_PORT_FORWARD_WEBSOCKETS: 'false', KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }],
    ])('a port is forwarded and a command run over %s', async (_, env) => {
      const [pod] = await pods()
      const { name } = pod.metadata
      const forward = parts.kubectlStart(['port-forward', name, ':8080'], env)
      const port = await until('the forwarded port', () => /127\.0\.0\.1:(\d+) ->/.exec(forward.out())?.[1])
      const box = lan.machines['box']!
      for (let i = 0; i < 3; i++)
        expect(await box.ok('wget', ['-qO-', '-T', '3', `http://127.0.0.1:${port}/`])).toBe(`version 1 on ${name}\n`)
      await forward.stop()
      const long = 'x'.repeat(4_000_000)
      const echoed = await parts.kubectlRun(
        ['exec', '-i', name, '--', 'sh', '-c', 'cat; echo bad >&2; exit 3'],
        long,
        env,
      )
      expect({ ...echoed, out: echoed.out === long }).toMatchObject({ code: 3, out: true })
      expect(echoed.err).toContain('bad')
    })

    it.each([
      ['WebSocket', {}],
      ['SPDY', { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }],
    ])('who comes for a command over %s and goes leaves nothing open', async (_, env) => {
      const [pod] = await pods()
      const open = (part: string) => readdir(`/proc/${parts.pid(part)}/fd`).then(files => files.length)
      const now = async () => ({ server: await open('server'), agent: await open('agent') })
      const before = await now()
      for (let i = 0; i < 12; i++)
        expect(await parts.kubectlRun(['exec', pod.metadata.name, '--', 'hostname'], '', env)).toMatchObject({
          code: 0,
        })
      // Others come and go too.
      await until('connections to be closed', async () => {
        const { server, agent } = await now()
        return server < before.server + 6 && agent < before.agent + 6
      })
    })

    it('a pod sends no faster than its annotation says, and does not start when that makes no sense', async () => {
      const pod = (name: string, egress: string) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', annotations: { 'kubernetes.io/egress-bandwidth': egress } },
        spec: {
          terminationGracePeriodSeconds: 0,
          containers: [
            {
              ...{ name: 'web', image: 'registry.test/web:1' },
              command: ['sh', '-c', 'head -c 250000 /dev/zero > /www/big; exec httpd -f -p 8080 -h /www'],
            },
          ],
        },
      })
      await parts.apply(pod('slow', '1M'), pod('fast', '1G'), pod('nonsense', '10'))
      const secondsFor = async (name: string) => {
        const url = await until(name, async () => {
          const { status } = await parts.get('pod', name)
          return isReady({ status }) ? `http://${status.podIP}:8080/big` : undefined
        })
        await until('its server', async () => (await parts.machine.run('wget', ['-q', '--spider', url])).code === 0)
        const start = performance.now()
        await parts.machine.ok('wget', ['-qO/dev/null', '-T', '10', '-t', '1', url])
        return (performance.now() - start) / 1_000
      }
      // 2 Mbit.
      expect(await secondsFor('slow')).toBeGreaterThan(1.8)
      expect(await secondsFor('fast')).toBeLessThan(1.5)
      const why = () => parts.kubectl('get', 'events', '--field-selector', 'involvedObject.name=nonsense')
      await until('a reason', async () => /FailedCreatePodSandBox.*unreasonably small/.test(await why()))
      await parts.kubectl('delete', 'pod', 'slow', 'fast', 'nonsense')
    })

    it('a killed container is started again in the same pod', async () => {
      const [victim, other] = lives(await pods())
      const pid = await processOf(victim!.container.replace('containerd://', ''))
      process.kill(pid, 'SIGKILL')
      const found = await readyPods(2, p => p.metadata.name !== victim!.pod || restarts(p) === 1)
      const after = lives(found)
      expect(after.map(p => p.pod).sort()).toEqual([victim!.pod, other!.pod].sort())
      const again = after.find(p => p.pod === victim!.pod)!
      expect(again.restarts).toBe(1)
      expect(again.container).not.toBe(victim!.container)
      expect(after.find(p => p.pod === other!.pod)).toEqual(other)
    })

    it('an agent killed with -9 finds its pods again, untouched', async () => {
      const alive = lives(await readyPods(2))
      await parts.end('agent', 'SIGKILL')
      expect(await fromLan()).toMatch(/^version 1/)
      await startAgent()
      await until('the node to be Ready', async () => isReady(await parts.get('node', 'box')))
      expect(lives(await readyPods(2))).toEqual(alive)
      expect(await fromLan()).toMatch(/^version 1/)
    })

    it('a server killed with -9 has lost nothing that it acknowledged; pods and Service go on without it', async () => {
      const alive = lives(await readyPods(2))
      const acknowledged: string[] = []
      let killed = false
      const writer = (async () => {
        for (let i = 0; !killed; i++) {
          const name = `written-${i}`
          await parts.kubectl('create', 'configmap', name).then(
            () => acknowledged.push(name),
            () => {},
          )
        }
      })()
      await until('some writes', () => acknowledged.length >= 3)
      await parts.end('server', 'SIGKILL')
      killed = true
      for (let i = 0; i < 5; i++) expect(await fromLan()).toMatch(/^version 1/)
      await writer
      await startServer()
      const kept = (await parts.get('configmaps')).items.map((c: any) => c.metadata.name)
      expect(acknowledged.filter(name => !kept.includes(name))).toEqual([])
      expect(lives(await readyPods(2))).toEqual(alive)
      expect(await fromLan()).toMatch(/^version 1/)
    })

    it('it is scaled up and down', async () => {
      await parts.kubectl('scale', 'workload/web', '--replicas=4')
      const four = await readyPods(4)
      const { clusterIP } = (await parts.get('service', 'web')).spec
      const answers = new Set<string>()
      await until('an answer of each of the four', async () => {
        answers.add(await lan.machines['box']!.ok('wget', ['-qO-', '-T', '3', `http://${clusterIP}:8080/`]))
        return answers.size === four.length
      })
      await parts.kubectl('scale', 'workload/web', '--replicas=2')
      await readyPods(2)
      await until('the others to be gone', async () => (await parts.get('pods', '-l', selector)).items.length === 2)
    })

    it('its image is updated pod by pod, and no request fails', async () => {
      const knocker = lan.outside.start(process.execPath, [
        join(import.meta.dirname, 'support/knocker.mjs'),
        'http://10.77.0.11:30080/',
        '20',
      ])
      await until('requests', () => knocker.out().includes('knocking'))
      const image = 'registry.test/web:2'
      await parts.kubectl('patch', 'workload', 'web', '--type=merge', '-p', JSON.stringify({ spec: { image } }))
      await readyPods(2, p => p.spec.containers[0].image === image)
      await until('the old pods to be gone', async () => (await parts.get('pods', '-l', selector)).items.length === 2)
      knocker.child.stdin!.end()
      const { out } = await knocker.ended
      const said = JSON.parse(out.split('\n')[1]!)
      console.log(`rolling update: ${JSON.stringify(said.answers)}, slowest ${said.slowestMs} ms`)
      expect(said.failures).toEqual([])
      expect(said.answers).toEqual({ 'version 1': expect.any(Number), 'version 2': expect.any(Number) })
      expect(await fromLan()).toMatch(/^version 2/)
    })

    it.skipIf(!onPath('docker-registry'))("an image of Debian's docker-registry is pulled", async () => {
      const debian = await debianRegistry(lan.machines['box']!, join(lan.folder, 'debian'), 5001)
      try {
        await parts.apply({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'debian', namespace: 'default' },
          spec: {
            restartPolicy: 'Never',
            containers: [{ name: 'sh', image: 'debian.test/team/web:1', command: ['sh', '-c', 'echo pulled'] }],
          },
        })
        await until('its end', async () => (await parts.get('pod', 'debian')).status?.phase === 'Succeeded')
        expect(await parts.kubectl('logs', 'debian')).toBe('pulled\n')
        await parts.kubectl('delete', 'pod', 'debian', '--wait')
      } finally {
        await debian.stop()
      }
    })

    it('a pod in the node’s own folder is shown as the node’s, and ends with its file', async () => {
      const [image] = (await pods())[0].spec.containers.map((c: any) => c.image)
      const file = join(parts.dataDir, 'manifests/own.yaml')
      const spec = { containers: [{ name: 'main', image }], terminationGracePeriodSeconds: 1 }
      await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'own' }, spec }))
      const shown = () => parts.get('pod', 'own-box').catch(() => undefined)
      const running = (pod: any) => pod?.status?.phase === 'Running'
      const first = await until('it to run', async () => [await shown()].find(running))
      uids.add(first.metadata.annotations['kubernetes.io/config.hash'])
      await parts.kubectl('delete', 'pod', 'own-box', '--wait=false')
      await until('it to be back', async () =>
        [await shown()].find(p => running(p) && p.metadata.uid !== first.metadata.uid),
      )
      await rm(file)
      await until('its end', async () => (await shown()) === undefined || undefined)
    })

    it('the doctor counts what was left behind: nothing', async () => {
      const said = await parts.optiflow('node', 'doctor', '--data-dir', parts.dataDir).catch(error => error.message)
      // Control groups are in one place for everybody on the machine.
      const counts = [...said.matchAll(/^([a-z ]+?) {2,}(\d+)$/gm)].filter(
        ([, kind]) => !/^(all|control groups)$/.test(kind),
      )
      expect(counts.map(([, kind, count]) => `${kind} ${count}`)).toEqual(
        [
          ...['containers', 'shims', 'runc states', 'mounts', 'snapshots', 'rules', 'interfaces', 'tunnel entries'],
          ...['network namespaces', 'addresses', 'network records', 'pod folders', 'log folders', 'exec pipes'],
        ].map(kind => `${kind} 0`),
      )
    })

    it('once deleted, it leaves no container, network namespace, mount, wire, address or cgroup', async () => {
      for (const pod of (await parts.get('pods')).items) uids.add(pod.metadata.uid)
      await parts.kubectl('delete', 'workload/web', 'pod/visitor', '--wait=false')
      await until('all pods gone', async () => (await parts.get('pods')).items.length === 0)
      const state = stateFolderOf(parts.dataDir)
      const left = async () => {
        const { mounts, links } = await tracesOf(lan.machines['box']!, parts.dataDir)
        return {
          containers: await readdir(`${state}/runc/k8s.io`).catch(() => []),
          mounts: mounts!.filter(path => /netns|rootfs|shm|pods\//.test(path)),
          wires: links!.filter(name => name.startsWith('veth')),
          addresses: (await readdir(join(parts.dataDir, 'cni/ipam/optiflow'))).filter(name => /^\d/.test(name)),
          podFolders: await readdir(join(parts.dataDir, 'node/pods')).catch(() => []),
          cgroups: await cgroupsOf([...uids]),
          services: (await parts.get('services', '-l', selector)).items.length,
        }
      }
      const nothing = { containers: [], mounts: [], wires: [], addresses: [], podFolders: [], cgroups: [], services: 0 }
      await until('no trace', async () => JSON.stringify(await left()) === JSON.stringify(nothing), {
        timeoutMs: 10_000,
      }).catch(() => {})
      expect(await left()).toEqual(nothing)
    })

    it('optiflow down --purge leaves no process, mount, namespace, link, rule, route or file', async () => {
      // With a pod still there: nobody empties a cluster before he takes it down.
      await parts.apply({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'last', namespace: 'default' },
        spec: {
          containers: [
            {
              name: 'sh',
              image: 'registry.test/web:1',
              ports: [{ containerPort: 8080, hostPort: 8081 }],
              volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }],
            },
          ],
          volumes: [{ name: 'scratch', emptyDir: { medium: 'Memory' } }],
        },
      })
      await until('the last pod', async () => isReady(await parts.get('pod', 'last')))
      uids.add((await parts.get('pod', 'last')).metadata.uid)
      await parts.optiflow('down', '--purge', '--data-dir', parts.dataDir)
      await registry.stop()
      expect(leftovers(before, await tracesOf(lan.machines['box']!, parts.dataDir))).toEqual({})
      expect(await cgroupsOf([...uids])).toEqual([])
      expect(await readFile(parts.kubeconfig, 'utf8').catch(() => '')).not.toContain('10.77.0.11')
    })
  },
)

const restarts = (pod: any): number => pod.status.containerStatuses[0].restartCount

/** The main process of a container: of those in its cgroup, the one with the number 1 in its own namespace. */
async function processOf(container: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
    if ((await read('cgroup')).includes(container) && /^NSpid:.*\s1$/m.test(await read('status'))) return Number(pid)
  }
  throw new Error(`no process of container ${container}`)
}
