import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { deployment } from '../support/manifests.ts'
import { until } from '../support/processes.ts'

describe.skipIf(!hasKubectl)('kubectl rollout (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
    await cluster.kubectlWith(deployment('web', 3), 'create', '-f', '-')
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const image = () =>
    cluster.kubectl('get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}')
  const rolledOut = () => cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=25s')
  const owners = async () =>
    (
      await cluster.kubectl(
        'get',
        'pods',
        '-l',
        'app=web',
        '-o',
        'jsonpath={range .items[*]}{.spec.containers[0].image}{"\\n"}{end}',
      )
    )
      .trim()
      .split('\n')

  it('status follows a rollout to its end', async () => {
    expect(await rolledOut()).toMatch(/deployment "web" successfully rolled out\n$/)
    await cluster.kubectl('set', 'image', 'deployment/web', 'web=example/web:2')
    expect(await rolledOut()).toMatch(/^Waiting for deployment [\s\S]*successfully rolled out\n$/)
    await until('only new pods', async () => (await owners()).join() === 'example/web:2,example/web:2,example/web:2')
  })

  it('history lists revisions with their causes, and shows one', async () => {
    await cluster.kubectl('annotate', 'deployment/web', 'kubernetes.io/change-cause=second image')
    const history = await until('the cause is copied', async () => {
      const text = await cluster.kubectl('rollout', 'history', 'deployment/web')
      return text.includes('second image') && text
    })
    expect(history).toMatch(/^deployment.apps\/web \nREVISION +CHANGE-CAUSE\n1 +<none>\n2 +second image\n/)
    expect(await cluster.kubectl('rollout', 'history', 'deployment/web', '--revision=1')).toMatch(
      /Image:\s+example\/web:1/,
    )
  })

  it('undo goes back to the revision before, or to a named one', async () => {
    expect(await cluster.kubectl('rollout', 'undo', 'deployment/web')).toBe('deployment.apps/web rolled back\n')
    expect(await image()).toBe('example/web:1')
    await rolledOut()
    expect(await cluster.kubectl('rollout', 'history', 'deployment/web')).toMatch(/\n2 [\s\S]*\n3 /)
    await cluster.kubectl('rollout', 'undo', 'deployment/web', '--to-revision=2')
    expect(await image()).toBe('example/web:2')
    await rolledOut()
    expect(await cluster.kubectlFails(['rollout', 'undo', 'deployment/web', '--to-revision=99'])).toContain(
      'unable to find specified revision 99 in history',
    )
  })

  it('restart replaces every pod', async () => {
    const uids = async () =>
      (await cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.uid}'))
        .split(' ')
        .sort()
    await until('three pods', async () => (await uids()).length === 3)
    const before = await uids()
    expect(await cluster.kubectl('rollout', 'restart', 'deployment/web')).toBe('deployment.apps/web restarted\n')
    await rolledOut()
    await until('only new pods', async () => {
      const now = await uids()
      return now.length === 3 && !now.some(uid => before.includes(uid))
    })
  })

  it('a paused deployment collects changes, resume makes one rollout of them', async () => {
    await cluster.kubectl('rollout', 'pause', 'deployment/web')
    await cluster.kubectl('set', 'image', 'deployment/web', 'web=example/web:3')
    await cluster.kubectl('set', 'env', 'deployment/web', 'A=b')
    await until('it was seen', async () => {
      const { metadata, status } = await cluster.get('deployment', 'web')
      return status.observedGeneration === metadata.generation
    })
    expect(new Set(await owners())).toEqual(new Set(['example/web:2']))
    expect(
      await cluster.kubectl(
        'get',
        'deploy',
        'web',
        '-o',
        'jsonpath={.status.conditions[?(@.type=="Progressing")].reason}',
      ),
    ).toBe('DeploymentPaused')
    const sets = async () =>
      (await cluster.kubectl('get', 'rs', '-l', 'app=web', '-o', 'name')).trim().split('\n').length
    const before = await sets()
    await cluster.kubectl('rollout', 'resume', 'deployment/web')
    await rolledOut()
    expect(await sets()).toBe(before + 1)
    expect(await image()).toBe('example/web:3')
  })

  it('a rollout that cannot finish keeps the old pods and says so', async () => {
    const patch = {
      spec: {
        progressDeadlineSeconds: 2,
        template: { metadata: { annotations: { 'simulated.optiflow.dev/not-ready': 'true' } } },
      },
    }
    const withProbe = [
      {
        op: 'add',
        path: '/spec/template/spec/containers/0/readinessProbe',
        value: { tcpSocket: { port: 80 }, periodSeconds: 1 },
      },
    ]
    await cluster.kubectl('patch', 'deployment', 'web', '--type=json', '-p', JSON.stringify(withProbe))
    await rolledOut()
    await cluster.kubectl('patch', 'deployment', 'web', '-p', JSON.stringify(patch))
    const failed = await cluster.kubectlRaw(['rollout', 'status', 'deployment/web', '--timeout=25s'])
    expect(failed.code).toBe(1)
    expect(failed.err).toContain('error: deployment "web" exceeded its progress deadline')
    const { status } = await cluster.get('deployment', 'web')
    expect(status.availableReplicas).toBe(3)
    expect(status.conditions.find((c: { type: string }) => c.type === 'Progressing')).toMatchObject({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
    })
    await cluster.kubectl('rollout', 'undo', 'deployment/web')
    expect(await rolledOut()).toContain('successfully rolled out')
  })

  it('Recreate ends the old pods before it starts new ones', async () => {
    const recreate = deployment('recreated', 2)
    await cluster.kubectlWith(
      { ...recreate, spec: { ...recreate.spec, strategy: { type: 'Recreate' } } },
      'create',
      '-f',
      '-',
    )
    await cluster.kubectl('rollout', 'status', 'deployment/recreated', '--timeout=25s')
    const watch = cluster.kubectlStart(
      ...['get', 'pods', '-l', 'app=recreated', '-w', '--output-watch-events', '--no-headers'],
      ...['-o', 'custom-columns=E:.type,I:.object.spec.containers[0].image,P:.object.status.phase'],
    )
    await until('the watch has begun', () => watch.out().match(/ADDED/g)?.length === 2)
    await cluster.kubectl('set', 'image', 'deployment/recreated', 'web=example/web:2')
    await cluster.kubectl('rollout', 'status', 'deployment/recreated', '--timeout=25s')
    await until('the new pods were seen', () => /web:2 +Running/.test(watch.out()))
    await watch.stop()
    const lines = watch.out().split('\n')
    const lastDeleted = lines.findLastIndex(l => l.startsWith('DELETED') && l.includes('web:1'))
    const firstNew = lines.findIndex(l => l.includes('web:2'))
    expect(lines.filter(l => l.startsWith('DELETED') && l.includes('web:1'))).toHaveLength(2)
    expect(lastDeleted).toBeLessThan(firstNew)
  })

  it.each(['statefulset', 'daemonset'])('a %s is followed, listed, restarted and undone', async kind => {
    const { metadata, spec } = deployment(kind, 2)
    const { replicas, ...others } = spec
    const own = kind === 'statefulset' ? { replicas, serviceName: kind } : {}
    const object = { apiVersion: 'apps/v1', kind: kind === 'statefulset' ? 'StatefulSet' : 'DaemonSet', metadata }
    await cluster.kubectlWith({ ...object, spec: { ...others, ...own } }, 'create', '-f', '-')
    const of = `${kind}/${kind}`
    const done = () => cluster.kubectl('rollout', 'status', of, '--timeout=40s')
    const images = async () => {
      const paths = '{range .items[*]}{.spec.containers[0].image}{"\\n"}{end}'
      const text = await cluster.kubectl('get', 'pods', '-l', `app=${kind}`, '-o', `jsonpath=${paths}`)
      return new Set(text.trim().split('\n'))
    }
    await done()
    await cluster.kubectl('set', 'image', of, 'web=example/web:2')
    expect(await done()).toMatch(/partitioned roll out complete: 2 new pods|successfully rolled out/)
    expect(await images()).toEqual(new Set(['example/web:2']))
    expect(await cluster.kubectl('rollout', 'history', of)).toMatch(/REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/)
    expect(await cluster.kubectl('rollout', 'history', of, '--revision=1')).toMatch(/Image:\s+example\/web:1/)
    expect(await cluster.kubectl('rollout', 'undo', of)).toBe(`${kind}.apps/${kind} rolled back\n`)
    await done()
    expect(await images()).toEqual(new Set(['example/web:1']))
    expect(await cluster.kubectl('rollout', 'history', of)).toMatch(/\n2 +<none>\n3 +<none>\n/)
    expect(await cluster.kubectl('rollout', 'restart', of)).toBe(`${kind}.apps/${kind} restarted\n`)
    await done()
    expect(await cluster.kubectlFails(['rollout', 'pause', of])).toContain('pausing is not supported')
    await cluster.kubectl('delete', of)
  })
})
