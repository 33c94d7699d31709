import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority, createTokenKey, issueCertificate, type KeyPair } from '../../src/base/certificates.ts'
import { systemClock } from '../../src/base/clock.ts'
import { type ApiConnection, openApi } from './api.ts'
import { dataFolder, endProcess } from './cluster.ts'
import { freePorts } from './ports.ts'
import { pause } from './statistics.ts'

/** Kubernetes' own API server, on an etcd of its own. */
export interface BenchKubernetes extends AsyncDisposable {
  /** Of etcd and of kube-apiserver. */
  pids: number[]
  api: ApiConnection
  /** From the start of etcd, and right after it of kube-apiserver, until /readyz answered 200. */
  readyMs: number
  /** `v1.32.13` */
  version: string
  /** What kube-apiserver was started with besides its store: addresses, certificates, keys, who may what. */
  flagsAt(port: number): string[]
  /** The keys that flagsAt names, and `ca.key`. */
  folder: string
  /** Of the administrator of a server with these keys. @returns the file */
  kubeconfigAt(port: number): string
  /** kube-scheduler, with no limit on its requests that could hold it up; its log, if it is heard, tells how nodes score. */
  startScheduler(heard?: (log: string) => void): Promise<AsyncDisposable>
  /** kube-controller-manager with all its controllers, no limit on its requests, and these flags besides. */
  startControllers(flags: string[]): Promise<AsyncDisposable>
}

const program = () => process.env['BENCH_KUBE_APISERVER'] ?? 'kube-apiserver'
const etcdProgram = () => process.env['BENCH_ETCD'] ?? 'etcd'
const schedulerProgram = () => process.env['BENCH_KUBE_SCHEDULER'] ?? 'kube-scheduler'
const controllersProgram = () => process.env['BENCH_KUBE_CONTROLLER_MANAGER'] ?? 'kube-controller-manager'
const missingOf = (names: string[]) => names.filter(name => spawnSync(name, ['--version']).status !== 0)

/** Why there is nothing to compare with, if so. */
export function whyNoKubernetes(): string | undefined {
  const missing = missingOf([program(), etcdProgram()])
  return missing.length
    ? `${missing.join(', ')} not found: install etcd-server or name the file of an etcd in BENCH_ETCD, and name that of a kube-apiserver in BENCH_KUBE_APISERVER`
    : undefined
}

export const whyNoScheduler = (): string | undefined =>
  missingOf([schedulerProgram()])[0] && `${schedulerProgram()} not found: name its file in BENCH_KUBE_SCHEDULER`

export const whyNoControllers = (): string | undefined =>
  missingOf([controllersProgram()])[0] &&
  `${controllersProgram()} not found: name its file in BENCH_KUBE_CONTROLLER_MANAGER`

/** Starts both with the flags that installers give them: TLS, client certificates, RBAC, every default admission plugin. */
export async function startKubernetes(): Promise<BenchKubernetes> {
  const folder = dataFolder()
  const keys = await writeKeys(folder.path)
  const [port, client, peer] = await freePorts(3)
  const urls = { client: `http://127.0.0.1:${client}`, peer: `http://127.0.0.1:${peer}` }
  const file = (name: string) => join(folder.path, name)
  const said: string[] = []
  const startedAt = performance.now()
  const start = (command: string, args: string[]): ChildProcess => {
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr!.on('data', chunk => {
      said.push(String(chunk))
      if (said.length > 50) said.shift()
    })
    return child
  }
  const etcd = start(etcdProgram(), [
    ...['--data-dir', file('etcd'), '--log-level', 'error'],
    ...['--listen-client-urls', urls.client, '--advertise-client-urls', urls.client],
    ...['--listen-peer-urls', urls.peer, '--initial-advertise-peer-urls', urls.peer],
    ...['--initial-cluster', `default=${urls.peer}`],
  ])
  const flagsAt = (port: number) => [
    ...['--bind-address=127.0.0.1', `--secure-port=${port}`],
    ...[`--client-ca-file=${file('ca.crt')}`, `--tls-cert-file=${file('server.crt')}`],
    ...[`--tls-private-key-file=${file('server.key')}`, '--authorization-mode=Node,RBAC'],
    ...['--service-cluster-ip-range=10.96.0.0/16', '--service-account-issuer=https://kubernetes.default.svc'],
    ...[`--service-account-key-file=${file('token.pub')}`, `--service-account-signing-key-file=${file('token.key')}`],
    ...['--enable-bootstrap-token-auth', '--enable-admission-plugins=NodeRestriction', '--allow-privileged=true'],
  ]
  const server = start(program(), [`--etcd-servers=${urls.client}`, ...flagsAt(port!)])
  const api = openApi({ port: port!, ca: keys.ca.cert, ...keys.admin })
  const end = async () => {
    await api[Symbol.asyncDispose]()
    await endProcess(server)
    await endProcess(etcd)
    folder[Symbol.dispose]()
  }
  try {
    while ((await api.request('GET', '/readyz').catch(() => undefined))?.status !== 200) {
      const ended = [etcd, server].some(child => child.exitCode !== null)
      if (ended || performance.now() - startedAt > 120_000)
        throw new Error(`kube-apiserver is not ready${ended ? ', it or its etcd has ended' : ''}:\n${said.join('')}`)
      await pause(2)
    }
    const readyMs = performance.now() - startedAt
    const { gitVersion } = await api.json('GET', '/version')
    const kubeconfigAt = (port: number): string => {
      const path = file(`kubeconfig-${port}`)
      writeFileSync(path, kubeconfig(port, keys))
      return path
    }
    const startManager = async (
      command: string,
      flags: string[],
      heard?: (log: string) => void,
    ): Promise<AsyncDisposable> => {
      const common = [`--kubeconfig=${kubeconfigAt(port!)}`, '--leader-elect=false', '--secure-port=0']
      const child = start(command, [...common, '--kube-api-qps=10000', '--kube-api-burst=10000', ...flags])
      if (heard) child.stderr!.on('data', chunk => heard(String(chunk)))
      return { [Symbol.asyncDispose]: () => endProcess(child) }
    }
    const controllerFlags = [
      ...['--controllers=*,bootstrapsigner,tokencleaner', `--service-account-private-key-file=${file('token.key')}`],
      ...[`--root-ca-file=${file('ca.crt')}`, `--cluster-signing-cert-file=${file('ca.crt')}`],
      ...[`--cluster-signing-key-file=${file('ca.key')}`, '--service-cluster-ip-range=10.96.0.0/16'],
    ]
    return {
      pids: [etcd.pid!, server.pid!],
      ...{ api, readyMs, version: gitVersion, flagsAt, folder: folder.path, kubeconfigAt },
      startScheduler: heard => startManager(schedulerProgram(), heard ? ['--vmodule=schedule_one=10'] : [], heard),
      startControllers: flags => startManager(controllersProgram(), [...controllerFlags, ...flags]),
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** JSON, which is YAML too. */
function kubeconfig(port: number, { ca, admin }: { ca: KeyPair; admin: KeyPair }): string {
  const data = (pem: string) => Buffer.from(pem).toString('base64')
  const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': data(ca.cert) }
  const user = { 'client-certificate-data': data(admin.cert), 'client-key-data': data(admin.key) }
  return JSON.stringify({
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'bench' },
    clusters: [{ name: 'bench', cluster }],
    users: [{ name: 'bench', user }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
  })
}

async function writeKeys(folder: string): Promise<{ ca: KeyPair; admin: KeyPair }> {
  const ca = await createAuthority('bench', systemClock)
  const issue = (request: Parameters<typeof issueCertificate>[1]) => issueCertificate(ca, request, systemClock)
  const server = await issue({ commonName: 'kube-apiserver', ips: ['127.0.0.1'], usages: ['server'] })
  const admin = await issue({ commonName: 'admin', organizations: ['system:masters'], usages: ['client'] })
  const token = await createTokenKey()
  const files = { 'ca.crt': ca.cert, 'ca.key': ca.key, 'server.crt': server.cert, 'server.key': server.key }
  for (const [name, text] of Object.entries({ ...files, 'token.key': token.privateKey, 'token.pub': token.publicKey }))
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  return { ca, admin }
}
