import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { configMap } from '../support/manifests.ts'

describe.skipIf(!hasKubectl)('kubectl with files, and views of the whole (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 1 })
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it('kustomize builds what apply -k applies, and delete -k deletes', async () => {
    const folder = join(cluster.folder, 'base')
    await mkdir(folder)
    await cluster.file('base/app.yaml', JSON.stringify(configMap('settings', { a: '1' })))
    await cluster.file('base/kustomization.yaml', 'resources: [app.yaml]\nnamePrefix: dev-\n')
    expect(await cluster.kubectl('kustomize', folder)).toContain('name: dev-settings')
    expect(await cluster.kubectl('apply', '-k', folder)).toBe('configmap/dev-settings created\n')
    expect(await cluster.kubectl('diff', '-k', folder)).toBe('')
    expect(await cluster.kubectl('delete', '-k', folder)).toContain('configmap "dev-settings" deleted')
  })

  it('apply set-last-applied, view-last-applied and edit-last-applied', async () => {
    const file = await cluster.file('last.json', JSON.stringify(configMap('last', { a: '1' })))
    await cluster.kubectl('create', '-f', file)
    await cluster.kubectl('apply', 'set-last-applied', '-f', file, '--create-annotation=true')
    expect(await cluster.kubectl('apply', 'view-last-applied', 'cm', 'last')).toContain('a: "1"')
    const editor = await cluster.file('editor.sh', '#!/bin/sh\nsed -i \'s/a: "1"/a: "2"/\' "$1"\n', 0o755)
    await cluster.kubectlOk(['apply', 'edit-last-applied', 'cm', 'last'], { env: { EDITOR: editor } })
    expect(await cluster.kubectl('apply', 'view-last-applied', 'cm', 'last')).toContain('a: "2"')
  })

  it('a Helm-style three-way patch keeps what others have set', async () => {
    await cluster.kubectlWith(configMap('chart', { ours: '1', gone: 'x' }), 'create', '-f', '-')
    await cluster.kubectl('patch', 'cm', 'chart', '--type=merge', '-p', '{"data":{"theirs":"2"}}')
    // What Helm sends: the difference of the old and the new chart, made on the client from the live object.
    await cluster.kubectl('patch', 'cm', 'chart', '--type=strategic', '-p', '{"data":{"ours":"3","gone":null}}')
    expect((await cluster.get('cm', 'chart')).data).toEqual({ ours: '3', theirs: '2' })
  })

  it('create quota, priorityclass, poddisruptionbudget, role, clusterrole and clusterrolebinding', async () => {
    const lines = [
      ['create quota small --hard=configmaps=100', 'resourcequota/small created'],
      ['create priorityclass high --value=1000', 'priorityclass.scheduling.k8s.io/high created'],
      ['create poddisruptionbudget pdb --selector=a=b --min-available=1', 'poddisruptionbudget.policy/pdb created'],
      ['create role r --verb=get --resource=pods', 'role.rbac.authorization.k8s.io/r created'],
      ['create clusterrole c --verb=get --resource=nodes', 'clusterrole.rbac.authorization.k8s.io/c created'],
      [
        'create clusterrolebinding cb --clusterrole=c --user=u',
        'clusterrolebinding.rbac.authorization.k8s.io/cb created',
      ],
    ]
    for (const [args, out] of lines) expect(await cluster.kubectl(...args!.split(' '))).toBe(`${out}\n`)
  })

  it('set selector changes what a service finds', async () => {
    await cluster.kubectl('create', 'service', 'clusterip', 'web', '--tcp=80')
    await cluster.kubectl('set', 'selector', 'service', 'web', 'tier=front')
    expect((await cluster.get('service', 'web')).spec.selector).toEqual({ tier: 'front' })
  })

  it('cluster-info dump shows the whole', async () => {
    const dump = await cluster.kubectl('cluster-info', 'dump')
    expect(dump).toContain('"kind": "NodeList"')
    expect(dump).toContain('"kind": "PodList"')
  })
})
