import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { configMap, deployment } from '../support/manifests.ts'

describe.skipIf(!hasKubectl)('kubectl apply (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it('creates, leaves unchanged, and changes an object', async () => {
    const web = deployment('web', 1)
    expect(await cluster.kubectlWith(web, 'apply', '-f', '-')).toBe('deployment.apps/web created\n')
    expect(await cluster.kubectlWith(web, 'apply', '-f', '-')).toBe('deployment.apps/web unchanged\n')
    const generation = (await cluster.get('deployment', 'web')).metadata.generation
    web.spec.template.spec.containers[0]!.image = 'example/web:2'
    expect(await cluster.kubectlWith(web, 'apply', '-f', '-')).toBe('deployment.apps/web configured\n')
    const changed = await cluster.get('deployment', 'web')
    expect(changed.spec.template.spec.containers[0].image).toBe('example/web:2')
    expect(changed.metadata.generation).toBeGreaterThan(generation)
  })

  it('takes out what the new manifest no longer has, and keeps what others have set', async () => {
    await cluster.kubectlWith(configMap('three-way', { a: '1', b: '2' }, { keep: 'me' }), 'apply', '-f', '-')
    await cluster.kubectl('patch', 'configmap', 'three-way', '--type=merge', '-p', '{"data":{"theirs":"3"}}')
    await cluster.kubectlWith(configMap('three-way', { a: '10' }), 'apply', '-f', '-')
    const after = await cluster.get('configmap', 'three-way')
    expect(after.data).toEqual({ a: '10', theirs: '3' })
    expect(after.metadata.labels).toBeUndefined()
  })

  it('removes one container of a list and keeps one that another client added', async () => {
    const two = deployment('merge', 0)
    two.spec.template.spec.containers.push({ name: 'helper', image: 'example/helper:1', ports: [] })
    await cluster.kubectlWith(two, 'apply', '-f', '-')
    const sidecar = { spec: { template: { spec: { containers: [{ name: 'sidecar', image: 'example/sidecar:1' }] } } } }
    await cluster.kubectl('patch', 'deployment', 'merge', '-p', JSON.stringify(sidecar))
    await cluster.kubectlWith(deployment('merge', 0), 'apply', '-f', '-')
    const containers = (await cluster.get('deployment', 'merge')).spec.template.spec.containers
    expect(containers.map((c: { name: string }) => c.name).sort()).toEqual(['sidecar', 'web'])
  })

  it('applies several documents, lists and a folder', async () => {
    const yaml = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata: {a: b}\n`
    expect(await cluster.kubectlWith(`${yaml('doc-1')}---\n${yaml('doc-2')}`, 'apply', '-f', '-')).toBe(
      'configmap/doc-1 created\nconfigmap/doc-2 created\n',
    )
    const list = { apiVersion: 'v1', kind: 'List', items: [configMap('in-list', {})] }
    expect(await cluster.kubectlWith(list, 'apply', '-f', '-')).toBe('configmap/in-list created\n')
  })

  it('refuses an unknown field, naming it, unless asked not to', async () => {
    const typo = { ...configMap('typo', {}), dota: { a: 'b' } }
    const err = await cluster.kubectlFails(['apply', '-f', '-'], { stdin: JSON.stringify(typo) })
    expect(err).toContain('strict decoding error: unknown field "dota"')
    const warned = await cluster.kubectlOk(['apply', '--validate=warn', '-f', '-'], { stdin: JSON.stringify(typo) })
    expect(warned.out).toBe('configmap/typo created\n')
    expect(warned.err).toContain('Warning: unknown field "dota"')
  })

  it('names each wrong field of an invalid object', async () => {
    const bad = deployment('Bad_Name', -1)
    const err = await cluster.kubectlFails(['apply', '-f', '-'], { stdin: JSON.stringify(bad) })
    expect(err).toContain('The Deployment "Bad_Name" is invalid:')
    expect(err).toContain('* metadata.name: Invalid value: "Bad_Name":')
    expect(err).toContain('* spec.replicas: Invalid value: -1: must be greater than or equal to 0')
  })

  it('prunes by label', async () => {
    const labelled = (name: string) => configMap(name, { a: 'b' }, { set: 'pruned' })
    const both = { apiVersion: 'v1', kind: 'List', items: [labelled('prune-1'), labelled('prune-2')] }
    await cluster.kubectlWith(both, 'apply', '-f', '-')
    const out = await cluster.kubectlWith(
      labelled('prune-1'),
      ...['apply', '-f', '-', '--prune', '-l', 'set=pruned', '--prune-allowlist=core/v1/ConfigMap'],
    )
    expect(out).toBe('configmap/prune-1 unchanged\nconfigmap/prune-2 pruned\n')
  })

  it('server-side: a field of another manager is a conflict, which --force-conflicts takes over', async () => {
    const apply = (value: string, manager: string, ...more: string[]) =>
      cluster.kubectlRaw(['apply', '--server-side', `--field-manager=${manager}`, '-f', '-', ...more], {
        stdin: JSON.stringify(configMap('owned', { color: value, [manager]: 'own' }, { app: 'owned' })),
      })
    expect((await apply('red', 'one')).out).toBe('configmap/owned serverside-applied\n')
    const refused = await apply('blue', 'two')
    expect(refused.code).toBe(1)
    expect(refused.err).toContain('Apply failed with 1 conflict: conflict with "one": .data.color')
    expect((await cluster.get('configmap', 'owned')).data).toEqual({ color: 'red', one: 'own' })
    expect((await apply('blue', 'two', '--force-conflicts')).out).toBe('configmap/owned serverside-applied\n')
    expect((await cluster.get('configmap', 'owned')).data).toEqual({ color: 'blue', one: 'own', two: 'own' })
    const managers = JSON.parse(
      await cluster.kubectl('get', 'configmap', 'owned', '-o', 'json', '--show-managed-fields'),
    ).metadata.managedFields
    expect(managers.map((m: any) => [m.manager, m.operation, Object.keys(m.fieldsV1['f:data'])])).toEqual([
      ['one', 'Apply', ['f:one']],
      ['two', 'Apply', ['f:color', 'f:two']],
    ])
  })

  it('server-side: what a manager no longer applies goes', async () => {
    const apply = (data: Record<string, string>) =>
      cluster.kubectlWith(configMap('shrinks', data), 'apply', '--server-side', '-f', '-')
    await apply({ a: '1', b: '2' })
    await apply({ a: '1' })
    expect((await cluster.get('configmap', 'shrinks')).data).toEqual({ a: '1' })
  })

  it('server-side after client-side: kubectl hands its own fields over', async () => {
    await cluster.kubectlWith(configMap('handed-over', { a: '1', b: '2' }), 'apply', '-f', '-')
    await cluster.kubectlWith(configMap('handed-over', { a: '2' }), 'apply', '--server-side', '-f', '-')
    expect((await cluster.get('configmap', 'handed-over')).data).toEqual({ a: '2' })
  })

  it('diff shows the change with exit code 1, and nothing with 0', async () => {
    const before = configMap('compared', { a: 'old' })
    await cluster.kubectlWith(before, 'apply', '-f', '-')
    expect(await cluster.kubectlWith(before, 'diff', '-f', '-')).toBe('')
    const diff = await cluster.kubectlRaw(['diff', '-f', '-'], {
      stdin: JSON.stringify(configMap('compared', { a: 'new' })),
    })
    expect(diff.code).toBe(1)
    expect(diff.out).toContain('-  a: old\n+  a: new\n')
    expect((await cluster.get('configmap', 'compared')).data).toEqual({ a: 'old' })
  })

  it('dry run on the server answers as if, and stores nothing', async () => {
    const out = await cluster.kubectlWith(deployment('as-if', 1), 'apply', '--dry-run=server', '-f', '-', '-o', 'yaml')
    expect(out).toContain('revisionHistoryLimit: 10\n')
    expect(await cluster.kubectlFails(['get', 'deployment', 'as-if'])).toBe(
      'Error from server (NotFound): deployments.apps "as-if" not found\n',
    )
  })

  it('view-last-applied shows what was applied', async () => {
    await cluster.kubectlWith(configMap('remembered', { a: '1' }), 'apply', '-f', '-')
    expect(await cluster.kubectl('apply', 'view-last-applied', 'configmap', 'remembered')).toContain(
      'data:\n  a: "1"\n',
    )
  })
})
