import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFailed } from 'vitest'
import { type Lan, type LanOptions, openLan } from '../support/lan.ts'
import { leftovers, stateFolderOf, type Traces, tracesOf } from '../support/leftovers.ts'
import { withOwnMounts } from '../support/own-mounts.ts'
import { isReady, optiflow, Parts, realImpossible } from '../support/parts.ts'
import { type Ended, run, type Started, until } from '../support/processes.ts'
import { testRegistry } from '../support/registries.ts'
import { archivesOf, archivesOfFolder } from './acceptance-images.ts'

/** What `npm run test:calico` was given; docs/calico.md. */
export const given = {
  images: process.env['CALICO_IMAGES'],
  binaries: process.env['CALICO_BIN'],
  manifest: process.env['CALICO_MANIFEST'] ?? '',
}

/** Why Calico itself cannot be run here; undefined when it can. */
export const obstacle =
  realImpossible() ??
  ((given.images || given.binaries) && given.manifest
    ? undefined
    : 'CALICO_IMAGES or CALICO_BIN, and CALICO_MANIFEST, are not given')

export const manifestText = existsSync(given.manifest) ? await readFile(given.manifest, 'utf8') : ''
export const withTypha = manifestText.includes('name: calico-typha')
/** The manifest's own backend: without BIRD's program in the folder there is no BGP. */
export const runsBird =
  /calico_backend: "?bird/.test(manifestText) && (!!given.images || existsSync(join(given.binaries ?? '', 'bird')))
export const kernelHasIpip =
  process.getuid?.() === 0 &&
  (await run('unshare', ['--net', 'ip', 'link', 'add', 'probe', 'type', 'ipip', 'local', '127.0.0.1'])).code === 0
/** A folder's `calicoctl`, where there is one. */
export const calicoctl =
  given.binaries && existsSync(join(given.binaries, 'calicoctl')) ? join(given.binaries, 'calicoctl') : undefined

export const long = { timeoutMs: 180_000 }
export const podNetwork = '10.240.0.0/16'

/** Two nodes that leave their pods' network to a CNI plugin, each with its own network and mounts, and Calico's images on both. */
export class CalicoNodes implements AsyncDisposable {
  readonly scratch: string
  readonly n1: Parts
  readonly n2: Parts
  readonly #lan: Lan
  readonly #mounts: AsyncDisposable[]
  readonly #before: Traces[]
  #registry: Started | undefined

  private constructor(scratch: string, lan: Lan, mounts: AsyncDisposable[], parts: Parts[], before: Traces[]) {
    this.scratch = scratch
    this.#lan = lan
    this.#mounts = mounts
    this.#before = before
    ;[this.n1, this.n2] = parts as [Parts, Parts]
  }

  static async start(options: LanOptions = {}): Promise<CalicoNodes> {
    const scratch = await mkdtemp(join(tmpdir(), 'optiflow-calico-'))
    const archives = given.images
      ? await archivesOf(given.images, given.manifest, scratch)
      : await archivesOfFolder(given.binaries!, given.manifest, scratch)
    const lan = await openLan(['n1', 'n2'], options)
    const machines = []
    for (const machine of Object.values(lan.machines)) machines.push(await withOwnMounts(machine, lan.folder))
    const parts = machines.map(machine => new Parts(machine, lan.folder))
    const before = await Promise.all(parts.map(({ machine, dataDir }) => tracesOf(machine, dataDir)))
    const nodes = new CalicoNodes(scratch, lan, machines, parts, before)
    try {
      await nodes.#begin(archives)
    } catch (error) {
      await nodes[Symbol.asyncDispose]()
      throw error
    }
    return nodes
  }

  async #begin(archives: string[]): Promise<void> {
    const { n1, n2 } = this
    this.#registry = await testRegistry(this.#lan.machines['n1']!, 5000)
    await this.startServer()
    const token = / --token (\S+)/.exec(await n1.optiflow('status', '--data-dir', n1.dataDir))![1]!
    const joining = ['--server', 'https://10.77.0.11:6443', '--token', token, '--node-name', 'n2']
    await n2.start(
      'agent',
      ['--runtime', 'containerd', '--data-dir', n2.dataDir, ...joining, ...this.#common],
      '✔ network',
    )
    for (const { machine, dataDir } of this.both)
      for (const archive of archives) {
        const socket = join(stateFolderOf(dataDir), 'containerd.sock')
        await machine.ok('ctr', ['-a', socket, '-n', 'k8s.io', 'images', 'import', archive], long)
      }
  }

  readonly #common = ['--network', 'cni', '--registry-mirror', 'registry.test=http://10.77.0.11:5000']

  get both(): Parts[] {
    return [this.n1, this.n2]
  }

  startServer(): Promise<Started> {
    const { n1 } = this
    const where = ['--data-dir', n1.dataDir, '--listen', '10.77.0.11:6443', '--node-name', 'n1']
    const flags = ['--runtime', 'containerd', ...where, '--kubeconfig', n1.kubeconfig, ...this.#common]
    return n1.start('up', flags, 'The API answers at')
  }

  /** Ends the nodes and takes out all that is theirs. @returns what is left of each: nothing */
  async end(): Promise<Traces[]> {
    for (const parts of [this.n2, this.n1]) await parts[Symbol.asyncDispose]()
    await this.#registry?.stop()
    this.#registry = undefined
    return Promise.all(
      this.both.map(async ({ machine, dataDir }, i) => leftovers(this.#before[i]!, await tracesOf(machine, dataDir))),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#registry) await this.end()
    for (const one of this.#mounts) await one[Symbol.asyncDispose]()
    await this.#lan[Symbol.asyncDispose]()
    await rm(this.scratch, { recursive: true, force: true })
  }

  /** Runs `optiflow calico …` where the cluster's owner would. */
  calico(...args: string[]): Promise<Ended> {
    return this.n1.machine.run(optiflow, ['calico', ...args], {
      env: { PATH: process.env['PATH'], NO_COLOR: '1', HOME: this.#lan.folder, KUBECONFIG: this.n1.kubeconfig },
      timeoutMs: 600_000,
    })
  }

  /** As `calico`, on one machine and without the API. */
  onMachine({ machine }: Parts, ...args: string[]): Promise<Ended> {
    return machine.run(optiflow, ['calico', ...args], {
      env: { PATH: process.env['PATH'], NO_COLOR: '1', HOME: this.#lan.folder },
      timeoutMs: 60_000,
    })
  }

  /** Installs the manifest by our own command, which must succeed. */
  async install(encapsulation: string): Promise<void> {
    const flags = ['--manifest', given.manifest, '--pod-cidr', podNetwork, '--encapsulation', encapsulation]
    const { code, out, err } = await this.calico('install', ...flags, '--timeout', '240')
    if (code !== 0) throw new Error(out + err)
  }

  /** Both nodes are ready, and all of the DaemonSet. */
  async settled(): Promise<void> {
    for (const name of ['n1', 'n2'])
      await until(`${name} to be ready`, async () => isReady(await this.n1.get('node', name)), long)
    await until(
      'calico-node on both',
      async () => {
        const { status } = await this.n1.get('daemonset', '-n', 'kube-system', 'calico-node')
        return status.desiredNumberScheduled === 2 && status.numberReady === 2
      },
      long,
    )
    await until(
      'the controllers',
      async () => {
        const { status } = await this.n1.get('deployment', '-n', 'kube-system', 'calico-kube-controllers')
        return status.readyReplicas === 1
      },
      long,
    )
  }

  /** One of the ready pods of an app, on one node if that is said. */
  async pod(app: string, node?: string): Promise<any> {
    const found = (await this.ready(app)).find(pod => !node || pod.spec.nodeName === node)
    if (!found) throw new Error(`no pod of ${app} is ready${node ? ` on ${node}` : ''}`)
    return found
  }

  async ready(app: string): Promise<any[]> {
    return (await this.n1.pods(`app=${app}`)).filter(isReady)
  }

  /** Deployments of two pods each, one on each node, all of them ready. */
  async deploy(...names: string[]): Promise<void> {
    await this.n1.apply(...names.map(name => webDeployment(name, 2)))
    for (const name of names) await until(`two of ${name}`, async () => (await this.ready(name)).length === 2, long)
  }

  /** Whether a pod gets the other's page. */
  async reaches(from: string, ip: string, port = 8080): Promise<boolean> {
    const wget = ['exec', from, '--', 'timeout', '2', 'wget', '-qO-', `http://${ip}:${port}/`]
    return (await this.n1.kubectlRun(wget)).code === 0
  }

  networkPolicy(name: string, spec: object): Promise<void> {
    return this.n1.apply({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace: 'default' },
      spec,
    })
  }

  /** A policy keeps the client on n1 from the web server on n2, until it goes. @throws Error when it does not */
  async holdToPolicies(): Promise<void> {
    const client = await this.pod('client', 'n1')
    const web = await this.pod('web', 'n2')
    const reaches = () => this.reaches(client.metadata.name, web.status.podIP)
    await this.networkPolicy('deny', { podSelector: { matchLabels: { app: 'web' } } })
    await until('nobody to get in', async () => !(await reaches()), long)
    await this.n1.kubectl('delete', 'networkpolicy', 'deny')
    await until('an answer again', reaches, long)
  }

  /** Packets of the largest size that the pod's interface lets through arrive whole at the address. */
  async fullSizeArrives(from: any, ip: string): Promise<number> {
    const shown = await this.n1.kubectl('exec', from.metadata.name, '--', 'ip', 'link', 'show', 'eth0')
    const mtu = Number(/mtu (\d+)/.exec(shown)![1])
    const ping = ['ping', '-c', '1', '-W', '3', '-s', String(mtu - 28), ip]
    await this.n1.kubectl('exec', from.metadata.name, '--', ...ping)
    return mtu
  }

  /** What of Calico's the machines still have, as lines; none after `clean-host`. */
  async remains(pods = podNetwork): Promise<string[]> {
    const network = pods.split('.').slice(0, 2).join('\\.')
    const looks: [string, string[], RegExp][] = [
      ...['iptables', 'ip6tables'].flatMap(name =>
        ['-nft', '-legacy'].map((way): [string, string[], RegExp] => [`${name}${way}-save`, [], /cali/]),
      ),
      ['nft', ['list', 'tables'], /calico/],
      ['ipset', ['list', '-n'], /cali/],
      ['ip', ['-o', 'link'], /cali/],
      ['ip', ['-o', 'addr', 'show', 'to', '0.0.0.0/0'], /tunl0/],
      ['ip', ['route', 'show', 'table', 'all'], new RegExp(`(^| )${network}\\.|proto (80|bird)`)],
      ['ip', ['rule'], /lookup (?!local|main|default)/],
      ['cat', ['/proc/self/mounts'], / \S*\/calico\//],
      [
        'sh',
        ['-c', 'find /etc/cni/net.d /opt/cni/bin /var/lib/calico /var/run/calico /var/log/calico 2>/dev/null'],
        /calico/,
      ],
    ]
    const found = await Promise.all(
      this.both.flatMap(({ machine }) =>
        looks.map(async ([program, args, own]) => {
          const { out } = await machine.run(program, args)
          const lines = out.split('\n').filter(line => own.test(line))
          return lines.map(line => `${machine.name} ${program}: ${line}`)
        }),
      ),
    )
    return found.flat()
  }

  /** What somebody would look at first, beside the failed test. */
  tellMore(): void {
    onTestFailed(async () => {
      const logs = ['node', 'kube-controllers', 'typha'].map(name => {
        const which = ['-l', `k8s-app=calico-${name}`, '--all-containers', '--prefix', '--tail=40']
        return ['logs', '-n', 'kube-system', ...which]
      })
      const shown = [
        ['get', 'pods', '-A', '-o', 'wide'],
        ['get', 'events', '-A', '--field-selector', 'type=Warning'],
        ...logs,
      ]
      for (const args of shown) {
        const { out, err } = await this.n1.kubectlRun(args)
        console.log(`kubectl ${args.join(' ')}\n${out}${err}`)
      }
    })
  }

  /** A file of ours for a command. */
  async file(name: string, text: string): Promise<string> {
    const path = join(this.scratch, name)
    await writeFile(path, text)
    return path
  }
}

/** So many pods that serve a page at 8080, as many on one node as on the other. */
export const webDeployment = (name: string, replicas: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        terminationGracePeriodSeconds: 0,
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { app: name } },
          },
        ],
        containers: [
          { name: 'c', image: 'registry.test/web:1', readinessProbe: { httpGet: { path: '/', port: 8080 } } },
        ],
      },
    },
  },
})
