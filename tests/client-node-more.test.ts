import { PassThrough, Readable } from 'node:stream'
import {
  Attach,
  AuthenticationV1Api,
  CoreV1Api,
  Exec,
  Health,
  KubeConfig,
  KubernetesObjectApi,
  Metrics,
  PatchStrategy,
  PortForward,
  topNodes,
  topPods,
  type V1ConfigMap,
  type V1Status,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { pod } from './support/manifests.ts'
import { until } from './support/processes.ts'

describe('@kubernetes/client-node: streams, figures, any object, ways to say who one is', () => {
  let cluster: Cluster
  let config: KubeConfig
  let core: CoreV1Api
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
    config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfig)
    core = config.makeApiClient(CoreV1Api)
    const body = pod('talker', { log: 'hello there', 'log-every': '100ms' })
    const resources = { requests: { cpu: '250m', memory: '64Mi' }, limits: { memory: '128Mi' } }
    const containers = [{ ...body.spec.containers[0]!, resources }]
    await core.createNamespacedPod({ namespace, body: { ...body, spec: { ...body.spec, containers } } })
    await until('it runs', async () => (await core.readNamespacedPod(talker)).status?.phase === 'Running')
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const namespace = 'default'
  const talker = { namespace, name: 'talker' }

  /** A stream, and what has come out of it. */
  function collected(): { stream: PassThrough; text: () => string } {
    const stream = new PassThrough()
    let text = ''
    stream.on('data', chunk => {
      text += chunk
    })
    return { stream, text: () => text }
  }

  async function execute(command: string[], stdin: Readable | null = null) {
    const [out, err] = [collected(), collected()]
    const status = await new Promise<V1Status>((done, failed) => {
      new Exec(config)
        .exec(namespace, 'talker', 'main', command, out.stream, err.stream, stdin, false, done)
        .catch(failed)
    })
    return { out: out.text(), err: err.text(), status: status.status, causes: status.details?.causes }
  }

  it('exec keeps output and errors apart, and tells the exit code', async () => {
    expect(await execute(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      ...{ out: 'out\n', err: 'err\n', status: 'Failure' },
      causes: [expect.objectContaining({ reason: 'ExitCode', message: '3' })],
    })
    expect(await execute(['cat'], Readable.from(['one\n', 'two\n']))).toMatchObject({
      ...{ out: 'one\ntwo\n', status: 'Success' },
    })
  })

  it('attach shows what the container writes', async () => {
    const { stream, text } = collected()
    const socket = await new Attach(config).attach(namespace, 'talker', 'main', stream, null, null, false)
    await until('lines', () => /line \d+/.test(text()))
    socket.close()
  })

  it('port-forward carries bytes both ways', async () => {
    const { stream, text } = collected()
    const socket = await new PortForward(config).portForward(
      namespace,
      'talker',
      [80],
      stream,
      null,
      Readable.from(['GET / HTTP/1.0\r\n\r\n']),
    )
    await until('an answer', () => text().includes('simulated pod'))
    if ('close' in socket) socket.close()
  })

  it('figures: what is asked for, and what is used', async () => {
    const [node] = await topNodes(core)
    expect([node!.CPU.RequestTotal, Number(node!.Memory.LimitTotal)]).toEqual([0.25, 128 * 1024 * 1024])
    const metrics = new Metrics(config)
    expect((await metrics.getNodeMetrics()).items.map(item => item.metadata.name)).toEqual([node!.Node.metadata?.name])
    const used = await until('figures of the pod', async () => {
      const [top] = await topPods(core, metrics, namespace)
      return top?.Containers.length ? top : undefined
    })
    expect([used.Pod.metadata?.name, used.Containers.map(c => c.Container)]).toEqual(['talker', ['main']])
    expect(Number(used.CPU.CurrentUsage)).toBeGreaterThan(0)
  })

  it('health', async () => {
    const health = new Health(config)
    expect([await health.readyz({}), await health.livez({})]).toEqual([true, true])
  })

  it('any object by its kind: created, read, listed, changed by each kind of patch, replaced, deleted', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const head = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'any', namespace } }
    const made = await objects.create<V1ConfigMap>({ ...head, data: { a: '1' } }, undefined, undefined, 'maker')
    expect([made.kind, made.metadata?.managedFields?.[0]?.manager]).toEqual(['ConfigMap', 'maker'])
    const patch = (spec: object, strategy: PatchStrategy, force?: boolean) =>
      objects.patch<V1ConfigMap>({ ...head, ...spec }, undefined, undefined, 'patcher', force, strategy)
    expect((await patch({ data: { b: '2' } }, PatchStrategy.StrategicMergePatch)).data).toEqual({ a: '1', b: '2' })
    expect((await patch({ data: { a: null } }, PatchStrategy.MergePatch)).data).toEqual({ b: '2' })
    await expect(patch({ data: { b: '3' } }, PatchStrategy.ServerSideApply)).rejects.toMatchObject({ code: 409 })
    const applied = await patch({ data: { b: '3' } }, PatchStrategy.ServerSideApply, true)
    expect([applied.data, applied.metadata?.managedFields?.some(m => m.operation === 'Apply')]).toEqual([
      { b: '3' },
      true,
    ])
    const dry = { ...head, metadata: { ...head.metadata, name: 'dry' } }
    expect((await objects.create<V1ConfigMap>(dry, undefined, 'All')).metadata?.uid).toMatch(/-/)
    await expect(objects.read(dry)).rejects.toMatchObject({ code: 404 })
    const read = await objects.read<V1ConfigMap>(head)
    await objects.replace<V1ConfigMap>({ ...read, data: { c: '4' } })
    const list = await objects.list<V1ConfigMap>('v1', 'ConfigMap', namespace)
    expect(list.items.find(item => item.metadata?.name === 'any')?.data).toEqual({ c: '4' })
    expect((await objects.delete(head)).status).toBe('Success')
    await expect(objects.read(head)).rejects.toMatchObject({ code: 404 })
  })

  /** The same cluster for somebody who says who he is by `user`. */
  function asUser(user: Record<string, unknown>): KubeConfig {
    const other = new KubeConfig()
    other.loadFromOptions({
      clusters: [config.getCurrentCluster()],
      users: [{ name: 'other', ...user }],
      contexts: [{ name: 'other', cluster: config.getCurrentCluster()!.name, user: 'other' }],
      currentContext: 'other',
    })
    return other
  }

  const nameOf = (user: KubeConfig): Promise<string | undefined> =>
    user
      .makeApiClient(AuthenticationV1Api)
      .createSelfSubjectReview({ body: {} })
      .then(
        review => review.status?.userInfo?.username,
        error => `refused with ${error.code}`,
      )

  it('a token from a file, from a program, and a certificate from files', async () => {
    const body = { spec: { audiences: [] } }
    const { status } = await core.createNamespacedServiceAccountToken({ namespace, name: 'default', body })
    const token = status!.token
    const tokenFile = await cluster.file('token', token)
    const account = 'system:serviceaccount:default:default'
    expect(await nameOf(asUser({ authProvider: { name: 'tokenFile', config: { tokenFile } } }))).toBe(account)
    const credential = { apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token } }
    const args = ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`]
    expect(await nameOf(asUser({ exec: { command: process.execPath, args } }))).toBe(account)
    expect(await nameOf(asUser({ token: `${token}x` }))).toBe('refused with 401')
    const { certData, keyData } = config.getCurrentUser()!
    const file = (name: string, data: string | undefined) => cluster.file(name, String(Buffer.from(data!, 'base64')))
    const certificate = { certFile: await file('user.crt', certData), keyFile: await file('user.key', keyData) }
    expect(await nameOf(asUser(certificate))).toBe(await nameOf(config))
  })
})
