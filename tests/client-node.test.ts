import { PassThrough } from 'node:stream'
import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from './support/cluster.ts'
import { configMap, deployment, pod, workload } from './support/manifests.ts'
import { until } from './support/processes.ts'

describe('@kubernetes/client-node', () => {
  let cluster: Cluster
  let config: KubeConfig
  let core: CoreV1Api
  let apps: AppsV1Api
  beforeAll(async () => {
    cluster = await Cluster.start()
    config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfig)
    core = config.makeApiClient(CoreV1Api)
    apps = config.makeApiClient(AppsV1Api)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const namespace = 'default'

  it('creates, reads, lists in pages, replaces and deletes', async () => {
    for (const n of [1, 2, 3, 4, 5])
      await core.createNamespacedConfigMap({ namespace, body: configMap(`page-${n}`, { n: `${n}` }, { set: 'pages' }) })
    const first = await core.listNamespacedConfigMap({ namespace, labelSelector: 'set=pages', limit: 2 })
    expect(first.items.map(i => i.metadata?.name)).toEqual(['page-1', 'page-2'])
    const rest = await core.listNamespacedConfigMap({
      namespace,
      labelSelector: 'set=pages',
      _continue: first.metadata!._continue!,
    })
    expect(rest.items.map(i => i.metadata?.name)).toEqual(['page-3', 'page-4', 'page-5'])
    const one = await core.readNamespacedConfigMap({ namespace, name: 'page-1' })
    const replaced = await core.replaceNamespacedConfigMap({
      namespace,
      name: 'page-1',
      body: { ...one, data: { n: 'one' } },
    })
    expect(Number(replaced.metadata!.resourceVersion)).toBeGreaterThan(Number(one.metadata!.resourceVersion))
    await expect(
      core.replaceNamespacedConfigMap({ namespace, name: 'page-1', body: { ...one, data: { n: 'stale' } } }),
    ).rejects.toMatchObject({ code: 409 })
    const deleted = await core.deleteNamespacedConfigMap({ namespace, name: 'page-1' })
    expect(deleted.status).toBe('Success')
    await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: 'set=pages' })
    expect((await core.listNamespacedConfigMap({ namespace, labelSelector: 'set=pages' })).items).toEqual([])
    await expect(core.readNamespacedConfigMap({ namespace, name: 'page-1' })).rejects.toMatchObject({ code: 404 })
  })

  it('patches by each of the four content types', async () => {
    await apps.createNamespacedDeployment({ namespace, body: deployment('patched', 0) })
    const patch = (body: object, type: PatchStrategy) =>
      apps.patchNamespacedDeployment(
        {
          namespace,
          name: 'patched',
          body,
          fieldManager: 'tests',
          ...(type === PatchStrategy.ServerSideApply ? { force: true } : {}),
        },
        setHeaderOptions('Content-Type', type),
      )
    const containers = async () => {
      const now = await apps.readNamespacedDeployment({ namespace, name: 'patched' })
      return now.spec!.template.spec!.containers.map(c => `${c.name}=${c.image}`).sort()
    }
    await patch(
      [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'a:2' }],
      PatchStrategy.JsonPatch,
    )
    expect(await containers()).toEqual(['web=a:2'])
    const spec = (name: string, image: string) => ({ spec: { template: { spec: { containers: [{ name, image }] } } } })
    await patch(spec('two', 'b:1'), PatchStrategy.StrategicMergePatch)
    expect(await containers()).toEqual(['two=b:1', 'web=a:2'])
    await patch(spec('only', 'c:1'), PatchStrategy.MergePatch)
    expect(await containers()).toEqual(['only=c:1'])
    await patch(
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'patched' }, ...spec('applied', 'd:1') },
      PatchStrategy.ServerSideApply,
    )
    expect(await containers()).toEqual(['applied=d:1', 'only=c:1'])
  })

  it('reads and writes a Workload as a custom object, and any object by its kind', async () => {
    const custom = config.makeApiClient(CustomObjectsApi)
    const params = { group: 'optiflow.dev', version: 'v1', namespace, plural: 'workloads' }
    await custom.createNamespacedCustomObject({ ...params, body: workload('shop', 1) })
    const list = await custom.listNamespacedCustomObject(params)
    expect(list.items.map((i: any) => i.metadata.name)).toEqual(['shop'])
    const objects = KubernetesObjectApi.makeApiClient(config)
    await until('it is ready', async () => {
      const now: any = await objects.read({
        apiVersion: 'optiflow.dev/v1',
        kind: 'Workload',
        metadata: { name: 'shop', namespace },
      })
      return now.status?.readyReplicas === 1
    })
    await objects.delete({ apiVersion: 'optiflow.dev/v1', kind: 'Workload', metadata: { name: 'shop', namespace } })
  })

  it('watches from a resource version: exactly the changes since', async () => {
    const before = await core.listNamespacedConfigMap({ namespace })
    await core.createNamespacedConfigMap({ namespace, body: configMap('since', { a: '1' }) })
    await core.deleteNamespacedConfigMap({ namespace, name: 'since' })
    const seen: string[] = []
    const abort = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: before.metadata!.resourceVersion!, allowWatchBookmarks: true },
      (type, object) => void seen.push(`${type} ${object.metadata?.name}`),
      () => {},
    )
    await until('both', () => seen.length >= 2)
    expect(seen).toEqual(['ADDED since', 'DELETED since'])
    abort.abort()
  })

  it('streams logs', async () => {
    await core.createNamespacedPod({
      namespace,
      body: pod('talker', { log: 'hello from the pod', 'log-every': '100ms' }),
    })
    await until(
      'it runs',
      async () => (await core.readNamespacedPod({ namespace, name: 'talker' })).status?.phase === 'Running',
    )
    expect(await core.readNamespacedPodLog({ namespace, name: 'talker', limitBytes: 18 })).toBe('hello from the pod')
    const stream = new PassThrough()
    let text = ''
    stream.on('data', chunk => (text += chunk))
    const abort = await new Log(config).log(namespace, 'talker', 'main', stream, { follow: true })
    await until('lines', () => text.includes('line 3'))
    abort.abort()
    expect(text).toMatch(/^hello from the pod\nline 1\n/)
    await core.deleteNamespacedPod({ namespace, name: 'talker', gracePeriodSeconds: 0 })
  })

  it('an informer keeps up with adds, updates and deletes, and through a restart of the server', async () => {
    const labelSelector = 'watched=yes'
    const list = () => core.listNamespacedConfigMap({ namespace, labelSelector })
    const informer = makeInformer<V1ConfigMap>(
      config,
      `/api/v1/namespaces/${namespace}/configmaps`,
      list,
      labelSelector,
    )
    const seen: string[] = []
    const note = (type: string) => (object: V1ConfigMap) =>
      void seen.push(`${type} ${object.metadata?.name} ${object.data?.['v']}`)
    informer.on('add', note('add'))
    informer.on('update', note('update'))
    informer.on('delete', note('delete'))
    let stopped = false
    informer.on('error', () => {
      if (!stopped) setTimeout(() => void informer.start().catch(() => {}), 300)
    })
    await informer.start()
    const write = (name: string, v: string) => configMap(name, { v }, { watched: 'yes' })
    await core.createNamespacedConfigMap({ namespace, body: write('seen', '1') })
    await until('the add', () => seen.includes('add seen 1'))
    await core.replaceNamespacedConfigMap({ namespace, name: 'seen', body: write('seen', '2') })
    await until('the update', () => seen.includes('update seen 2'))
    await core.createNamespacedConfigMap({ namespace, body: write('gone', '1') })
    await core.deleteNamespacedConfigMap({ namespace, name: 'gone' })
    await until('the delete', () => seen.some(s => s.startsWith('delete gone')))
    expect(informer.get('seen', namespace)?.data).toEqual({ v: '2' })

    expect((await cluster.down()).code).toBe(0)
    await cluster.up()
    await core.replaceNamespacedConfigMap({ namespace, name: 'seen', body: write('seen', '3') })
    await core.createNamespacedConfigMap({ namespace, body: write('later', '1') })
    await until('both after the restart', () => seen.includes('update seen 3') && seen.includes('add later 1'))
    expect(
      informer
        .list()
        .map(o => o.metadata?.name)
        .sort(),
    ).toEqual(['later', 'seen'])
    stopped = true
    await informer.stop()
  })
})
