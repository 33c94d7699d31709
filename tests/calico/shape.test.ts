import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lan, openLan } from '../support/lan.ts'
import { leftovers, type Traces, tracesOf } from '../support/leftovers.ts'
import { isReady, Parts, realImpossible } from '../support/parts.ts'
import { run, type Started, until } from '../support/processes.ts'
import { testRegistry } from '../support/registries.ts'
import { shapeManifest } from './shape.ts'

const obstacle = realImpossible()

/** Of the manifest with Typha, what the other one has not. */
const typhaShape = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'calico-typha', namespace: 'kube-system' },
    spec: {
      selector: { 'k8s-app': 'calico-typha' },
      ports: [{ name: 'calico-typha', port: 5473, targetPort: 'calico-typha' }],
    },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'calico-typha', namespace: 'kube-system' },
    spec: {
      selector: { matchLabels: { 'k8s-app': 'calico-typha' } },
      template: {
        metadata: { labels: { 'k8s-app': 'calico-typha' } },
        spec: {
          hostNetwork: true,
          tolerations: [{ operator: 'Exists' }],
          serviceAccountName: 'calico-node',
          priorityClassName: 'system-cluster-critical',
          terminationGracePeriodSeconds: 0,
          securityContext: { fsGroup: 65534, seccompProfile: { type: 'RuntimeDefault' } },
          volumes: [{ name: 'www', emptyDir: {} }],
          containers: [
            {
              name: 'calico-typha',
              image: 'registry.test/calico-controllers:1',
              command: ['sh', '-c', 'cd /www; touch liveness readiness; exec httpd -f -p 127.0.0.1:9098 -h /www'],
              ports: [{ name: 'calico-typha', containerPort: 5473, protocol: 'TCP' }],
              volumeMounts: [{ name: 'www', mountPath: '/www' }],
              livenessProbe: { httpGet: { path: '/liveness', port: 9098, host: 'localhost' }, periodSeconds: 30 },
              readinessProbe: { httpGet: { path: '/readiness', port: 9098, host: 'localhost' }, periodSeconds: 1 },
              securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false },
            },
          ],
        },
      },
    },
  },
]

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(
  `a manifest of Calico's shape on real containers${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lan: Lan
    let n1: Parts
    let registry: Started
    let host: string
    let before: Traces

    const onHost = (path: string) => readFile(join(host, path), 'utf8')
    const daemon = async () => (await n1.get('pods', '-n', 'kube-system', '-l', 'k8s-app=calico-node')).items[0]
    const inDaemon = async (...command: string[]) =>
      n1.kubectl('exec', '-n', 'kube-system', (await daemon()).metadata.name, '-c', 'calico-node', '--', ...command)

    beforeAll(async () => {
      console.log('Calico itself was not run here: a manifest of its shape runs stubs')
      lan = await openLan(['n1'])
      n1 = new Parts(lan.machines['n1']!, lan.folder)
      host = join(lan.folder, 'host')
      for (const path of ['sys/fs/bpf', 'lib/modules', 'run', 'etc/cni/net.d', 'opt/cni/bin'])
        await mkdir(join(host, path), { recursive: true })
      // As a host has it whose / is shared; the machine's own stays as it is.
      await run('mount', ['--bind', host, host])
      await run('mount', ['--make-rshared', host])
      before = await tracesOf(n1.machine, n1.dataDir)
      registry = await testRegistry(n1.machine, 5000)
      await n1.start(
        'up',
        [
          ...['--runtime', 'containerd', '--data-dir', n1.dataDir, '--listen', '10.77.0.11:6443', '--node-name', 'n1'],
          ...[
            '--network',
            'cni',
            '--cni-conf-dir',
            join(host, 'etc/cni/net.d'),
            '--cni-bin-dir',
            join(host, 'opt/cni/bin'),
          ],
          ...['--kubeconfig', n1.kubeconfig, '--registry-mirror', 'registry.test=http://10.77.0.11:5000'],
        ],
        'The API answers at',
      )
    })

    afterAll(async () => {
      await n1?.[Symbol.asyncDispose]()
      await registry?.stop()
      if (host) await run('umount', ['-R', '-l', host])
      await lan?.[Symbol.asyncDispose]()
    })

    it('the node is not ready while no plugin is there, and says so', async () => {
      const ready = await until('the node to have looked', async () => {
        const { conditions } = (await n1.get('node', 'n1')).status
        const found = conditions.find((c: any) => c.type === 'Ready')
        return found.message.includes('network') && found
      })
      expect(ready).toMatchObject({ status: 'False', reason: 'KubeletNotReady' })
      expect(ready.message).toContain('cni plugin not initialized')
      expect((await n1.get('node', 'n1')).metadata.labels).toMatchObject({ 'optiflow.dev/network': 'cni' })
      expect(await n1.machine.ok('ip', ['-o', 'link'])).not.toContain('optiflow0')
    })

    it('the DaemonSet runs there all the same, in the order of its init containers, and its plugin makes the node ready', async () => {
      await n1.apply({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'kubernetes-services-endpoint', namespace: 'kube-system' },
        data: { KUBERNETES_SERVICE_HOST: '10.77.0.11', KUBERNETES_SERVICE_PORT: '6443' },
      })
      const images = {
        nodeImage: 'registry.test/calico-node:1',
        controllersImage: 'registry.test/calico-controllers:1',
      }
      const manifest = await shapeManifest({ ...images, host })
      const applied = await n1.kubectlRun(['apply', '-f', '-'], manifest)
      expect(applied.code, applied.err).toBe(0)
      await until('the DaemonSet', async () => isReady(await daemon()), { timeoutMs: 60_000 })
      const { status } = await daemon()
      const ended = status.initContainerStatuses.map((c: any) => [c.name, c.state.terminated?.exitCode])
      expect(ended).toEqual([
        ['upgrade-ipam', 0],
        ['install-cni', 0],
        ['ebpf-bootstrap', 0],
      ])
      await until('the node', async () => isReady(await n1.get('node', 'n1')), { timeoutMs: 30_000 })
      const conflist = JSON.parse(await onHost('etc/cni/net.d/10-calico.conflist'))
      expect(conflist.plugins[0]).toMatchObject({
        type: 'calico',
        nodename: 'n1',
        mtu: 0,
        ipam: { type: 'calico-ipam' },
      })
    })

    it('its environment is what the manifest says, and the endpoint of the ConfigMap beats that of the Service', async () => {
      const env = Object.fromEntries(
        (await onHost('var/lib/calico/env')).split('\n').map(line => line.split(/=(.*)/s, 2)),
      )
      expect(env).toMatchObject({
        NODENAME: 'n1',
        CALICO_NETWORKING_BACKEND: 'vxlan',
        CALICO_IPV4POOL_VXLAN: 'CrossSubnet',
        FELIX_VXLANMTU: '0',
        KUBERNETES_SERVICE_HOST: '10.77.0.11',
        KUBERNETES_SERVICE_PORT: '6443',
      })
    })

    it('its mounts are there, made where they were missing, and what it mounts is seen on the host', async () => {
      expect(await onHost('var/lib/cni/networks/order')).toBe('upgrade-ipam\n')
      expect(await onHost('run/xtables.lock')).toBe('')
      const points = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map(line => line.split(' '))
      const typeAt = (path: string) => {
        const found = points.findLast(fields => fields[4] === join(host, path))
        return found?.[found.indexOf('-') + 1]
      }
      expect([typeAt('sys/fs/bpf'), typeAt('var/run/calico/cgroup')]).toEqual(['tmpfs', 'tmpfs'])
      const mounts = (await onHost('var/lib/calico/mounts')).split('\n').map(line => line.split(' '))
      const optionsOf = (path: string) => mounts.findLast(fields => fields[4] === path)?.[5]?.split(',')
      expect(optionsOf('/lib/modules')).toContain('ro')
      expect(optionsOf('/var/log/calico/cni')).toContain('ro')
      for (const path of ['/host/etc/cni/net.d', '/run/xtables.lock', '/var/lib/calico', '/var/run/nodeagent'])
        expect(optionsOf(path), path).toContain('rw')
      expect(mounts.findLast(fields => fields[4] === '/sys/fs/bpf')).toContain('tmpfs')
      const token = '/var/run/secrets/kubernetes.io/serviceaccount'
      expect((await inDaemon('ls', token)).trim().split('\n')).toEqual(['ca.crt', 'namespace', 'token'])
    })

    it('it is privileged, in the network of its node', async () => {
      const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(await onHost('var/lib/calico/status'))![1]!
      const netAdmin = 12n
      expect((BigInt(`0x${effective}`) >> netAdmin) & 1n).toBe(1n)
      expect(await inDaemon('ip', 'addr')).toContain('inet 10.77.0.11/24')
      expect((await daemon()).status.podIP).toBe('10.77.0.11')
    })

    it('the Deployment gets its address from the plugin, is no root, and reaches the API at its cluster IP', async () => {
      const pods = async () =>
        (await n1.get('pods', '-n', 'kube-system', '-l', 'k8s-app=calico-kube-controllers')).items
      await until('the Deployment', async () => isReady((await pods())[0]), { timeoutMs: 60_000 })
      const [{ metadata, status }] = await pods()
      expect(status.podIP).toMatch(/^10\.99\.0\./)
      expect(await n1.kubectl('exec', '-n', 'kube-system', metadata.name, '--', 'id', '-u')).toBe('999\n')
      const calls = await onHost('opt/cni/calls')
      expect(calls).toContain(`K8S_POD_NAME=${metadata.name}`)
      expect(calls).toContain('K8S_POD_NAMESPACE=kube-system')
      expect(calls).toMatch(/^ADD .*"datastore_type":"kubernetes"/m)
    })

    it('its system calls are filtered, as RuntimeDefault says, and those of the privileged one are not', async () => {
      const filterOf = (status: string) => /^Seccomp:\s*(\d)/m.exec(status)?.[1]
      const [{ metadata }] = (await n1.get('pods', '-n', 'kube-system', '-l', 'k8s-app=calico-kube-controllers')).items
      const inside = await n1.kubectl('exec', '-n', 'kube-system', metadata.name, '--', 'cat', '/proc/1/status')
      expect([filterOf(inside), filterOf(await onHost('var/lib/calico/status'))]).toEqual(['2', '0'])
    })

    it("Typha's probes by HTTP name a host, its port a name, and its group may read the token (calico-typha.yaml)", async () => {
      await n1.apply(...typhaShape)
      const pods = async () => (await n1.get('pods', '-n', 'kube-system', '-l', 'k8s-app=calico-typha')).items
      await until('Typha', async () => isReady((await pods())[0]), { timeoutMs: 60_000 })
      const [{ metadata }] = await pods()
      const inside = (...command: string[]) => n1.kubectl('exec', '-n', 'kube-system', metadata.name, '--', ...command)
      // Nobody but the pod's own network answers at its loopback address: the probe has come by the host that it names.
      expect(await inside('netstat', '-ltn')).toMatch(/127\.0\.0\.1:9098/)
      expect((await inside('id', '-G')).trim().split(' ')).toContain('65534')
      expect(await inside('stat', '-L', '-c', '%a %g', '/var/run/secrets/kubernetes.io/serviceaccount/token')).toBe(
        '640 65534\n',
      )
      const { items } = await n1.get(
        'endpointslices',
        '-n',
        'kube-system',
        '-l',
        'kubernetes.io/service-name=calico-typha',
      )
      expect(items[0]).toMatchObject({
        ports: [{ name: 'calico-typha', port: 5473 }],
        endpoints: [{ addresses: ['10.77.0.11'] }],
      })
      await n1.kubectl('delete', 'deployment', '-n', 'kube-system', 'calico-typha')
    })

    it("our own policy rules stay out, since policies are the plugin's", async () => {
      await n1.apply({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'deny', namespace: 'kube-system' },
        spec: { podSelector: {} },
      })
      await n1.kubectl('get', 'networkpolicy', '-n', 'kube-system', 'deny')
      expect(await n1.machine.ok('nft', ['list', 'tables'])).not.toContain('optiflow-policies')
    })

    it('its last words are heard at once, and down takes the pods out by the same plugin', async () => {
      await n1.kubectl('delete', 'daemonset', '-n', 'kube-system', 'calico-node')
      await until('its end', async () => (await daemon()) === undefined)
      expect(await onHost('var/lib/calico/shutdown')).toBe('n1\n')
      await n1.optiflow('down', '--purge', '--data-dir', n1.dataDir)
      expect(await onHost('opt/cni/calls')).toMatch(/^DEL /m)
      await registry.stop()
      const { processes = [], links = [], ...left } = leftovers(before, await tracesOf(n1.machine, n1.dataDir))
      expect(left.mounts).toBeUndefined()
      expect(processes).toEqual([])
      // What the plugin made for itself is the plugin's.
      expect(links.filter(link => link !== 'fakecali0')).toEqual([])
    })
  },
)
