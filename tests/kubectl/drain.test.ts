import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { deployment, pod } from '../support/manifests.ts'
import { until } from '../support/processes.ts'

describe.skipIf(!hasKubectl)('kubectl drain (needs kubectl on PATH)', () => {
  let cluster: Cluster
  const node = 'node-1'
  const nodeSelector = { 'kubernetes.io/hostname': node }
  beforeAll(async () => {
    cluster = await Cluster.start()
    await cluster.kubectl('wait', 'nodes', '--all', '--for=condition=Ready', '--timeout=25s')
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const create = (object: object) => cluster.kubectlWith(object, 'create', '-f', '-')
  /** A Deployment or DaemonSet whose pods need node-1. */
  const pinned = (kind: string, name: string, more: object = {}) => {
    const { spec, ...rest } = deployment(name, 1)
    const { replicas, template, ...others } = spec
    const podSpec = { ...template.spec, nodeSelector, ...more }
    const count = kind === 'DaemonSet' ? {} : { replicas }
    return { ...rest, kind, spec: { ...others, ...count, template: { ...template, spec: podSpec } } }
  }
  const onNode = async () =>
    (await cluster.kubectl('get', 'pods', '--field-selector', `spec.nodeName=${node}`, '-o', 'name')).trim().split('\n')

  it('refuses what would be lost, each for its reason, and takes it along when told to', async () => {
    await create(pinned('DaemonSet', 'log'))
    await create(pinned('Deployment', 'cache', { volumes: [{ name: 'data', emptyDir: {} }] }))
    const lone = pod('lone')
    await create({ ...lone, spec: { ...lone.spec, nodeSelector } })
    await cluster.kubectl('wait', 'pod/lone', '--for=condition=Ready', '--timeout=25s')
    for (const of of ['daemonset/log', 'deployment/cache'])
      await cluster.kubectl('rollout', 'status', of, '--timeout=25s')
    const refused = await cluster.kubectlFails(['drain', node])
    expect(refused).toMatch(/cannot delete DaemonSet-managed Pods \(use --ignore-daemonsets to ignore\): default\/log-/)
    expect(refused).toContain('cannot delete Pods that declare no controller (use --force to override): default/lone')
    expect(refused).toMatch(
      /cannot delete Pods with local storage \(use --delete-emptydir-data to override\): default\/cache-/,
    )
    expect(await onNode()).toHaveLength(3)

    const drain = ['drain', node, '--ignore-daemonsets', '--force', '--delete-emptydir-data', '--timeout=40s']
    expect(await cluster.kubectl(...drain)).toMatch(/node\/node-1 drained\n$/)
    expect(await onNode()).toEqual([expect.stringMatching(/^pod\/log-/)])
    expect(await cluster.kubectl('get', 'node', node, '--no-headers')).toContain('Ready,SchedulingDisabled')
    await cluster.kubectl('delete', 'deployment/cache', 'daemonset/log')
    expect(await cluster.kubectl('uncordon', node)).toBe(`node/${node} uncordoned\n`)
  })

  it('waits for a disruption budget, and goes on when there are pods to spare', async () => {
    await create(deployment('guarded', 1))
    await cluster.kubectl('create', 'pdb', 'guarded', '--selector=app=guarded', '--min-available=1')
    await cluster.kubectl('rollout', 'status', 'deployment/guarded', '--timeout=25s')
    const nodes = async () => {
      const path = 'jsonpath={.items[*].spec.nodeName}'
      return (await cluster.kubectl('get', 'pods', '-l', 'app=guarded', '-o', path)).split(' ')
    }
    const [nodeName] = await nodes()
    await until('the budget', async () => (await cluster.get('pdb', 'guarded')).status?.currentHealthy === 1)
    const draining = cluster.kubectlStart('drain', nodeName!, '--ignore-daemonsets', '--timeout=60s')
    const retried = "will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget."
    await until('the refusal', () => `${draining.out()}${draining.err()}`.includes(retried))
    expect(await nodes()).toEqual([nodeName])
    await cluster.kubectl('scale', 'deployment/guarded', '--replicas=2')
    const { code, out } = await draining.ended
    expect([code, out]).toEqual([0, expect.stringMatching(new RegExp(`node/${nodeName} drained\n$`))])
    await cluster.kubectl('rollout', 'status', 'deployment/guarded', '--timeout=25s')
    expect(await nodes()).not.toContain(nodeName)
  })
})
