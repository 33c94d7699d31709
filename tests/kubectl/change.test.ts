import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { configMap, deployment, pod, workload } from '../support/manifests.ts'
import { until } from '../support/processes.ts'

describe.skipIf(!hasKubectl)('kubectl changes things (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const create = (object: object) => cluster.kubectlWith(object, 'create', '-f', '-')
  const jsonpath = (kind: string, name: string, path: string) =>
    cluster.kubectl('get', kind, name, '-o', `jsonpath={${path}}`)

  it('labels and annotates, overwrites only when told, and takes off', async () => {
    await create(configMap('tagged', {}))
    expect(await cluster.kubectl('label', 'configmap', 'tagged', 'a=1')).toBe('configmap/tagged labeled\n')
    expect(await cluster.kubectlFails(['label', 'configmap', 'tagged', 'a=2'])).toContain("'a' already has a value (1)")
    await cluster.kubectl('label', 'configmap', 'tagged', 'a=2', '--overwrite')
    await cluster.kubectl('annotate', 'configmap', 'tagged', 'note=hello world')
    expect((await cluster.get('configmap', 'tagged')).metadata).toMatchObject({
      labels: { a: '2' },
      annotations: { note: 'hello world' },
    })
    expect(await cluster.kubectl('label', 'configmap', 'tagged', 'a-')).toBe('configmap/tagged unlabeled\n')
    expect(await cluster.kubectlFails(['label', 'configmap', 'tagged', 'a=bad value'])).toContain('invalid label')
  })

  it('patches three ways', async () => {
    await create(deployment('patched', 0))
    const patch = (type: string, body: unknown) =>
      cluster.kubectl('patch', 'deployment', 'patched', `--type=${type}`, '-p', JSON.stringify(body))
    const containers = { spec: { template: { spec: { containers: [{ name: 'two', image: 'example/two:1' }] } } } }
    await patch('strategic', containers)
    expect(await jsonpath('deployment', 'patched', '.spec.template.spec.containers[*].name')).toBe('two web')
    await patch('merge', containers)
    expect(await jsonpath('deployment', 'patched', '.spec.template.spec.containers[*].name')).toBe('two')
    const path = '/spec/template/spec/containers/0/image'
    await patch('json', [
      { op: 'test', path, value: 'example/two:1' },
      { op: 'replace', path, value: 'example/two:2' },
    ])
    expect(await jsonpath('deployment', 'patched', '.spec.template.spec.containers[0].image')).toBe('example/two:2')
    expect(await patch('merge', { spec: { replicas: 0 } })).toBe('deployment.apps/patched patched (no change)\n')
    const failed = await cluster.kubectlFails([
      ...['patch', 'deployment', 'patched', '--type=json', '-p', JSON.stringify([{ op: 'test', path, value: 'no' }])],
    ])
    expect(failed).toContain('testing value /spec/template/spec/containers/0/image failed')
    expect(
      await cluster.kubectl(
        'patch',
        'deploy',
        'patched',
        '--subresource=scale',
        '--type=merge',
        '-p',
        '{"spec":{"replicas":1}}',
      ),
    ).toContain('patched')
    expect(await jsonpath('deployment', 'patched', '.spec.replicas')).toBe('1')
  })

  it('edits with $EDITOR', async () => {
    await create(configMap('edited', { word: 'before' }))
    const editor = await cluster.file('editor.sh', '#!/bin/sh\nsed -i s/before/after/ "$1"\n', 0o755)
    const done = await cluster.kubectlOk(['edit', 'configmap', 'edited'], { env: { EDITOR: editor } })
    expect(done.out).toBe('configmap/edited edited\n')
    expect((await cluster.get('configmap', 'edited')).data).toEqual({ word: 'after' })
    const again = await cluster.kubectlOk(['edit', 'configmap', 'edited'], { env: { EDITOR: 'true' } })
    expect(again.err + again.out).toContain('Edit cancelled, no changes made')
  })

  it('edits a deployment and refuses a bad one with the reason in the file', async () => {
    await create(deployment('edited', 0))
    const good = await cluster.file('good.sh', '#!/bin/sh\nsed -i "s/replicas: 0/replicas: 1/" "$1"\n', 0o755)
    expect(await cluster.kubectlOk(['edit', 'deploy', 'edited'], { env: { EDITOR: good } })).toMatchObject({
      out: 'deployment.apps/edited edited\n',
    })
    const bad = await cluster.file('bad.sh', '#!/bin/sh\nsed -i "s/replicas: 1/replicas: -1/" "$1"\n', 0o755)
    const err = await cluster.kubectlFails(['edit', 'deploy', 'edited'], { env: { EDITOR: bad } })
    expect(err).toContain('error: deployments.apps "edited" is invalid')
    const copy = /stored to "(.*)"/.exec(err)![1]!
    expect(await readFile(copy, 'utf8')).toContain(
      '# * spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    )
  })

  it('replaces, refuses a stale replacement, and replaces by force', async () => {
    await create(configMap('replaced', { a: '1' }))
    const old = await cluster.get('configmap', 'replaced')
    expect(await cluster.kubectlWith(configMap('replaced', { a: '2' }), 'replace', '-f', '-')).toBe(
      'configmap/replaced replaced\n',
    )
    const err = await cluster.kubectlFails(['replace', '-f', '-'], {
      stdin: JSON.stringify({ ...old, data: { a: '3' } }),
    })
    expect(err).toContain(
      'Operation cannot be fulfilled on configmaps "replaced": the object has been modified; please apply your changes to the latest version and try again',
    )
    await cluster.kubectlWith(configMap('replaced', { a: '4' }), 'replace', '--force', '-f', '-')
    const forced = await cluster.get('configmap', 'replaced')
    expect(forced.data).toEqual({ a: '4' })
    expect(forced.metadata.uid).not.toBe(old.metadata.uid)
  })

  it('deletes by name, label, file and all at once', async () => {
    for (const name of ['d-1', 'd-2', 'd-3', 'd-4']) await create(configMap(name, {}, { all: 'these', own: name }))
    expect(await cluster.kubectl('delete', 'configmap', 'd-1')).toBe('configmap "d-1" deleted\n')
    expect(await cluster.kubectl('delete', 'configmap', '-l', 'own=d-2')).toBe('configmap "d-2" deleted\n')
    expect(await cluster.kubectlWith(configMap('d-3', {}), 'delete', '-f', '-')).toBe('configmap "d-3" deleted\n')
    expect(await cluster.kubectl('delete', 'configmap', 'd-3', '--ignore-not-found')).toBe('')
    expect(await cluster.kubectlFails(['delete', 'configmap', 'd-3'])).toBe(
      'Error from server (NotFound): configmaps "d-3" not found\n',
    )
    await cluster.kubectl('create', 'namespace', 'doomed')
    await cluster.kubectlWith(configMap('x', {}), 'create', '-n', 'doomed', '-f', '-')
    expect(await cluster.kubectl('delete', 'configmap', '--all', '-n', 'doomed')).toContain('configmap "x" deleted\n')
  })

  it('deletes a deployment with its pods in the background, first the pods in the foreground, or not at all', async () => {
    const podsOf = async (name: string) =>
      (await cluster.kubectl('get', 'pods,rs', '-l', `app=${name}`, '-o', 'name')).trim()
    for (const name of ['background', 'foreground', 'orphan']) await create(deployment(name, 1))
    for (const name of ['background', 'foreground', 'orphan'])
      await cluster.kubectl('rollout', 'status', `deployment/${name}`, '--timeout=60s')
    await cluster.kubectl('delete', 'deployment', 'background')
    await until('its pods are gone', async () => (await podsOf('background')) === '')
    await cluster.kubectl('delete', 'deployment', 'foreground', '--cascade=foreground', '--timeout=30s')
    expect(await podsOf('foreground')).toBe('')
    await cluster.kubectl('delete', 'deployment', 'orphan', '--cascade=orphan')
    const left = (await podsOf('orphan')).split('\n')
    expect(left).toHaveLength(2)
    const rs = JSON.parse(await cluster.kubectl('get', 'rs', '-l', 'app=orphan', '-o', 'json')).items[0]
    expect(rs.metadata.ownerReferences).toBeUndefined()
    await cluster.kubectl('delete', 'rs', '-l', 'app=orphan')
  })

  it('deletes a pod gracefully, now, or by force', async () => {
    const slow = {
      ...pod('slow', { 'ignore-sigterm': 'true' }),
      spec: { ...pod('slow').spec, terminationGracePeriodSeconds: 600 },
    }
    await create(slow)
    await cluster.kubectl('wait', 'pod/slow', '--for=condition=Ready', '--timeout=30s')
    await cluster.kubectl('delete', 'pod', 'slow', '--wait=false')
    expect(await cluster.kubectl('get', 'pod', 'slow', '--no-headers')).toMatch(/^slow +1\/1 +Terminating /)
    const forced = await cluster.kubectlOk(['delete', 'pod', 'slow', '--grace-period=0', '--force'])
    expect(forced.err).toContain('Immediate deletion does not wait')
    expect(forced.out).toBe('pod "slow" force deleted\n')
    expect(await cluster.kubectlFails(['get', 'pod', 'slow'])).toContain('NotFound')
  })

  it('deletes a namespace with all that is in it', async () => {
    await cluster.kubectl('create', 'namespace', 'whole')
    await cluster.kubectlWith(deployment('inside', 1), 'create', '-n', 'whole', '-f', '-')
    await cluster.kubectlWith(workload('inside-too', 1), 'create', '-n', 'whole', '-f', '-')
    expect(await cluster.kubectl('delete', 'namespace', 'whole', '--timeout=60s')).toBe('namespace "whole" deleted\n')
    expect(await cluster.kubectl('get', 'deployments,workloads,pods', '-n', 'whole', '-o', 'name')).toBe('')
  })

  it('protects the default namespaces', async () => {
    for (const name of ['default', 'kube-system'])
      expect(await cluster.kubectlFails(['delete', 'namespace', name])).toContain('Forbidden')
  })

  it('scales, on condition too, and a workload as well', async () => {
    await create(deployment('scaled', 1))
    expect(await cluster.kubectl('scale', 'deployment/scaled', '--replicas=2')).toBe('deployment.apps/scaled scaled\n')
    expect(
      await cluster.kubectlFails(['scale', 'deployment/scaled', '--replicas=3', '--current-replicas=9']),
    ).toContain('Expected replicas to be 9, was 2')
    await cluster.kubectl('rollout', 'status', 'deployment/scaled', '--timeout=60s')
    await create(workload('short', 1))
    expect(await cluster.kubectl('scale', 'workload/short', '--replicas=2')).toBe(
      'workload.optiflow.dev/short scaled\n',
    )
    await until('two ready', async () => (await jsonpath('workload', 'short', '.status.readyReplicas')) === '2')
    await cluster.kubectl('delete', 'deployment/scaled', 'workload/short')
  })

  it('sets image, env, resources and service account', async () => {
    await create(deployment('set', 0))
    expect(await cluster.kubectl('set', 'image', 'deployment/set', 'web=example/web:9')).toBe(
      'deployment.apps/set image updated\n',
    )
    await cluster.kubectl('set', 'env', 'deployment/set', 'COLOR=red', 'SIZE=1')
    await cluster.kubectl('set', 'env', 'deployment/set', 'SIZE-')
    await cluster.kubectl('set', 'resources', 'deployment/set', '--requests=cpu=10m', '--limits=cpu=20m,memory=64Mi')
    await cluster.kubectl('set', 'serviceaccount', 'deployment/set', 'default')
    const spec = (await cluster.get('deployment', 'set')).spec.template.spec
    expect(spec.containers[0]).toMatchObject({
      image: 'example/web:9',
      env: [{ name: 'COLOR', value: 'red' }],
      resources: { requests: { cpu: '10m' }, limits: { cpu: '20m', memory: '64Mi' } },
    })
    expect(spec.serviceAccountName).toBe('default')
  })

  it('waits for a condition, a value, a creation and a deletion', async () => {
    const waiting = cluster.kubectlStart('wait', 'pod/late', '--for=create', '--timeout=20s')
    await create(pod('late'))
    expect((await waiting.ended).code).toBe(0)
    expect(await cluster.kubectl('wait', 'pod/late', '--for=condition=Ready', '--timeout=30s')).toBe(
      'pod/late condition met\n',
    )
    await cluster.kubectl('wait', 'pod/late', '--for=jsonpath={.status.phase}=Running', '--timeout=30s')
    const gone = cluster.kubectlStart('wait', 'pod/late', '--for=delete', '--timeout=30s')
    await cluster.kubectl('delete', 'pod', 'late', '--now')
    expect((await gone.ended).code).toBe(0)
    expect(await cluster.kubectlFails(['wait', 'deployment/set', '--for=condition=Nothing', '--timeout=1s'])).toContain(
      'timed out waiting for the condition',
    )
  })
})
