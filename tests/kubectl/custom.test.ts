import { CustomObjectsApi, KubeConfig, makeInformer } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { until } from '../support/processes.ts'

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, kind: CronTab, shortNames: [ct], categories: [all]}
  versions:
    - name: v1
      served: true
      storage: true
      subresources:
        status: {}
        scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
      additionalPrinterColumns:
        - {name: Spec, type: string, jsonPath: .spec.cronSpec}
        - {name: Replicas, type: integer, jsonPath: .spec.replicas, priority: 1}
        - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
      schema:
        openAPIV3Schema:
          description: CronTab runs something from time to time.
          type: object
          properties:
            spec:
              type: object
              description: What runs, and when.
              required: [cronSpec]
              x-kubernetes-validations:
                - {rule: "self.replicas <= self.most", message: "replicas must not be more than most"}
              properties:
                cronSpec: {type: string, description: When it runs., pattern: '^(\\S+ ){4}\\S+$'}
                image: {type: string}
                replicas: {type: integer, default: 1}
                most: {type: integer, default: 5}
            status:
              type: object
              properties:
                replicas: {type: integer}
`
const tab = (name: string, spec: object = {}) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'CronTab',
  metadata: { name },
  spec: { cronSpec: '* * * * */5', image: 'first', ...spec },
})

describe.skipIf(!hasKubectl)('kubectl with a custom resource (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
    expect(await cluster.kubectlWith(definition, 'apply', '-f', '-')).toBe(
      'customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com created\n',
    )
    await cluster.kubectl('wait', '--for=condition=Established', 'crd/crontabs.stable.example.com', '--timeout=10s')
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it('creates, shows its columns and explains its fields', async () => {
    expect(await cluster.kubectlWith(tab('one'), 'create', '-f', '-')).toBe('crontab.stable.example.com/one created\n')
    const lines = (await cluster.kubectl('get', 'ct', '-o', 'wide')).split('\n').map(line => line.split(/ {2,}/))
    expect(lines[0]).toEqual(['NAME', 'SPEC', 'REPLICAS', 'AGE'])
    expect(lines[1]!.slice(0, 3)).toEqual(['one', '* * * * */5', '1'])
    expect(await cluster.kubectl('get', 'all', '-o', 'name')).toContain('crontab.stable.example.com/one')
    const explained = await cluster.kubectl('explain', 'crontab.spec')
    expect(explained).toContain('What runs, and when.')
    expect(explained).toMatch(/cronSpec\s+<string> -required-\s+When it runs\./)
    expect(await cluster.kubectl('api-resources', '--api-group=stable.example.com')).toMatch(
      /crontabs\s+ct\s+stable\.example\.com\/v1\s+true\s+CronTab/,
    )
  })

  it('refuses what the schema does not know, what does not fit, and what a rule forbids', async () => {
    const fails = (object: object) => cluster.kubectlFails(['create', '-f', '-'], { stdin: JSON.stringify(object) })
    expect(await fails(tab('no', { odd: 1 }))).toContain('strict decoding error: unknown field "spec.odd"')
    expect(await fails(tab('no', { cronSpec: 'never' }))).toContain(
      `spec.cronSpec: Invalid value: "never": spec.cronSpec in body should match '^(\\S+ ){4}\\S+$'`,
    )
    expect(await fails(tab('no', { replicas: 9 }))).toContain('replicas must not be more than most')
  })

  it('applies from the client and from the server, patches and scales', async () => {
    expect(await cluster.kubectlWith(tab('two'), 'apply', '-f', '-')).toBe('crontab.stable.example.com/two created\n')
    expect(await cluster.kubectlWith(tab('two'), 'apply', '-f', '-')).toBe('crontab.stable.example.com/two unchanged\n')
    const next = tab('two', { image: 'second' })
    expect(await cluster.kubectlWith(next, 'apply', '-f', '-')).toBe('crontab.stable.example.com/two configured\n')
    expect(await cluster.kubectlWith(next, 'apply', '--server-side', '-f', '-')).toBe(
      'crontab.stable.example.com/two serverside-applied\n',
    )
    expect(await cluster.kubectlWith(tab('two', { image: 'third' }), 'diff', '-f', '-').catch(String)).toContain(
      'third',
    )
    await cluster.kubectl('patch', 'ct', 'two', '--type=merge', '-p', '{"spec":{"image":"fourth"}}')
    await cluster.kubectl('scale', 'ct', 'two', '--replicas=3')
    await cluster.kubectl(
      'patch',
      'ct',
      'two',
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"replicas":3}}',
    )
    const { spec, status } = await cluster.get('ct', 'two')
    expect([spec.image, spec.replicas, status.replicas]).toEqual(['fourth', 3, 3])
    await cluster.kubectl('wait', '--for=jsonpath={.status.replicas}=3', 'ct/two', '--timeout=5s')
  })

  it('is watched by client-node, which knows no such type', async () => {
    const config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfig)
    const api = config.makeApiClient(CustomObjectsApi)
    const where = { group: 'stable.example.com', version: 'v1', namespace: 'default', plural: 'crontabs' }
    const path = '/apis/stable.example.com/v1/namespaces/default/crontabs'
    const informer = makeInformer(config, path, () => api.listNamespacedCustomObject(where))
    const seen: string[] = []
    for (const event of ['add', 'update', 'delete'] as const)
      informer.on(event, object => void seen.push(`${event} ${object.metadata!.name}`))
    await informer.start()
    try {
      await api.createNamespacedCustomObject({ ...where, body: tab('watched') })
      await until('the informer sees it', () => seen.includes('add watched') || undefined)
      await api.deleteNamespacedCustomObject({ ...where, name: 'watched' })
      await until('the informer sees it gone', () => seen.includes('delete watched') || undefined)
    } finally {
      await informer.stop()
    }
  })

  it('goes with its definition', async () => {
    await cluster.kubectl('delete', 'crd', 'crontabs.stable.example.com', '--timeout=30s')
    // kubectl still remembers the kind; the server does not.
    expect(await cluster.kubectlFails(['get', 'crontabs'])).toContain(
      'the server could not find the requested resource',
    )
    expect(await cluster.kubectl('api-versions')).not.toContain('stable.example.com')
  })
})
