import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { deployment, pod, workload } from '../support/manifests.ts'
import { until } from '../support/processes.ts'

describe.skipIf(!hasKubectl)('kubectl and the cluster, its nodes and its pods (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
    const talker = pod('talker', { log: 'first\nsecond', 'log-every': '200ms' })
    await cluster.kubectlWith(talker, 'create', '-f', '-')
    await cluster.kubectl('wait', 'nodes', '--all', '--for=condition=Ready', '--timeout=25s')
    await cluster.kubectl('wait', 'pod/talker', '--for=condition=Ready', '--timeout=25s')
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it('version and cluster-info', async () => {
    expect(await cluster.kubectl('version')).toMatch(/^Server Version: v1\.32\./m)
    expect(await cluster.kubectl('cluster-info')).toBe(
      `Kubernetes control plane is running at ${cluster.url}\n\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n`,
    )
  })

  it('api-resources and api-versions name what is served', async () => {
    const resources = await cluster.kubectl('api-resources', '--no-headers')
    for (const line of [
      /^pods +po +v1 +true +Pod$/m,
      /^deployments +deploy +apps\/v1 +true +Deployment$/m,
      /^nodes +no +v1 +false +Node$/m,
      /^workloads +wl +optiflow\.dev\/v1 +true +Workload$/m,
    ])
      expect(resources).toMatch(line)
    expect(await cluster.kubectl('api-resources', '--api-group=optiflow.dev', '-o', 'name')).toBe(
      'bindinggroups.optiflow.dev\npodreportgroups.optiflow.dev\nqueues.optiflow.dev\nrecommendations.optiflow.dev\nroutepolicies.optiflow.dev\nschedulerplugins.optiflow.dev\nserviceregistrations.optiflow.dev\nworkloads.optiflow.dev\n',
    )
    expect(await cluster.kubectl('api-resources', '--namespaced=false', '--verbs=list,watch', '-o', 'name')).toMatch(
      /^nodes$/m,
    )
    expect((await cluster.kubectl('api-versions')).split('\n')).toEqual(
      expect.arrayContaining(['v1', 'apps/v1', 'batch/v1', 'optiflow.dev/v1', 'rbac.authorization.k8s.io/v1']),
    )
  })

  it('explain describes built-in kinds and our own, with every field in words', async () => {
    const replicas = await cluster.kubectl('explain', 'deployment.spec.replicas')
    expect(replicas).toMatch(/^GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: replicas <integer>\n/)
    const work = await cluster.kubectl('explain', 'workload.spec')
    expect(work).toMatch(/^GROUP: +optiflow\.dev\nKIND: +Workload\nVERSION: +v1\n\nFIELD: spec <WorkloadSpec>\n/)
    for (const field of ['image', 'replicas', 'ports', 'env', 'resources', 'expose', 'volumes'])
      expect(work).toMatch(new RegExp(`^ {2}${field}\\t<`, 'm'))
    expect(work).not.toContain('<no description>')
    expect(work).not.toContain('<empty>')
    expect(await cluster.kubectl('explain', 'workload', '--recursive')).toMatch(/^ {4}image\t<string>/m)
    expect(await cluster.kubectl('explain', 'pod', '--recursive')).toMatch(
      /^ {4}containers\t<\[\]Container> -required-\n/m,
    )
    expect(await cluster.kubectlFails(['explain', 'pod.spec.colour'])).toContain('field "colour" does not exist')
    expect(await cluster.kubectl('explain', 'hpa', '--api-version=autoscaling/v1')).toMatch(/^VERSION: +v1$/m)
  })

  it('logs, from the end, since, with times, and following', async () => {
    expect(await cluster.kubectl('logs', 'talker', '--limit-bytes=5')).toBe('first')
    expect(await cluster.kubectl('logs', 'talker')).toMatch(/^first\nsecond\nline 1\n/)
    expect(await cluster.kubectl('logs', 'talker', '--tail=2')).toMatch(/^line \d+\nline \d+\n$/)
    expect(await cluster.kubectl('logs', 'talker', '--timestamps', '--tail=1')).toMatch(
      /^\d{4}-\d\d-\d\dT\S+Z line \d+\n$/,
    )
    expect(await cluster.kubectl('logs', 'talker', '-c', 'main', '--since=1h')).toMatch(/^first\n/)
    const following = cluster.kubectlStart('logs', '-f', 'talker', '--tail=1')
    await until('more lines', () => following.out().split('\n').length > 5)
    await following.stop()
    expect(await cluster.kubectlFails(['logs', 'talker', '-c', 'other'])).toContain(
      'container other is not valid for pod talker',
    )
    expect(await cluster.kubectlFails(['logs', 'nobody'])).toContain('pods "nobody" not found')
  })

  it('top shows what nodes, pods and containers use', async () => {
    expect(await cluster.kubectl('top', 'node')).toMatch(/^NAME +CPU\(cores\) .*\n\S+ +\d+m +\d+% +\d+Mi +\d+%/)
    expect(await cluster.kubectl('top', 'pod', 'talker')).toMatch(/^NAME .*\ntalker +\d+m +\d+Mi +\n$/)
    expect(await cluster.kubectl('top', 'pod', '-A', '--containers', '--no-headers')).toMatch(
      /^default +talker +main +\d+m +\d+Mi/m,
    )
    expect(await cluster.kubectl('get', 'podmetrics', 'talker')).toMatch(/^NAME +CPU +MEMORY +WINDOW\ntalker /)
    expect(await cluster.kubectlFails(['top', 'node', 'nobody'])).toContain('"nobody" not found')
  })

  it('logs -f ends when the container ends, and -p shows the one before', async () => {
    const short = pod('short', { log: 'ends soon', 'exit-after': '2s', 'exit-code': '0' })
    await cluster.kubectlWith({ ...short, spec: { ...short.spec, restartPolicy: 'Never' } }, 'create', '-f', '-')
    await until('it runs', async () => (await cluster.get('pod', 'short')).status.phase === 'Running')
    const following = await cluster.kubectlStart('logs', '-f', 'short').ended
    expect([following.code, following.out]).toEqual([0, 'ends soon\n'])
    await until('it is over', async () =>
      /Completed/.test(await cluster.kubectl('get', 'pod', 'short', '--no-headers')),
    )
    const crashing = pod('crashing', { log: 'my last words', 'exit-code': '3' })
    await cluster.kubectlWith(crashing, 'create', '-f', '-')
    await until('it restarted', async () =>
      /CrashLoopBackOff|Error/.test(await cluster.kubectl('get', 'pod', 'crashing', '--no-headers')),
    )
    await until('previous logs', async () => (await cluster.kubectl('logs', '-p', 'crashing')) === 'my last words\n')
  })

  it('logs of a deployment and by label', async () => {
    const web = deployment('web', 2, { annotations: { 'simulated.optiflow.dev/log': 'hello' } })
    await cluster.kubectlWith(web, 'create', '-f', '-')
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=25s')
    expect(await cluster.kubectl('logs', 'deployment/web')).toContain('hello\n')
    expect(await cluster.kubectl('logs', '-l', 'app=web', '--prefix')).toMatch(/^(\[pod\/web-\S+\/web\] hello\n){2}$/)
  })

  it('exec answers, with the program’s exit code', async () => {
    expect(await cluster.kubectl('exec', 'talker', '--', 'echo', 'hello', 'there')).toBe('hello there\n')
    expect(await cluster.kubectl('exec', 'talker', '--', 'hostname')).toBe('talker\n')
    const failed = await cluster.kubectlRaw(['exec', 'talker', '--', 'sh', '-c', 'exit 3'])
    expect([failed.code, failed.err]).toEqual([3, 'command terminated with exit code 3\n'])
    expect(await cluster.kubectlFails(['exec', 'nobody', '--', 'true'])).toContain('pods "nobody" not found')
  })

  it('debug adds a container to a running pod', async () => {
    await cluster.kubectlOk([
      'debug',
      'talker',
      '--image=example/tools:1',
      '--container=tools',
      '--profile=general',
      '--',
      'true',
    ])
    await until('it has run', async () => {
      const [state] = (await cluster.get('pod', 'talker')).status.ephemeralContainerStatuses ?? []
      return state?.name === 'tools' && (state.state.running ?? state.state.terminated)
    })
  })

  it('cordon keeps pods away, uncordon lets them in', async () => {
    expect(await cluster.kubectl('cordon', 'node-1')).toBe('node/node-1 cordoned\n')
    expect(await cluster.kubectl('get', 'node', 'node-1', '--no-headers')).toMatch(/^node-1 +Ready,SchedulingDisabled /)
    await cluster.kubectl('cordon', 'node-2')
    await cluster.kubectl('cordon', 'node-3')
    await cluster.kubectl('run', 'homeless', '--image=example/app:1')
    await until('the scheduler says why', async () =>
      (await cluster.kubectl('describe', 'pod', 'homeless')).includes(
        '0/3 nodes are available: 3 node(s) were unschedulable',
      ),
    )
    expect(await cluster.kubectl('uncordon', 'node-1', 'node-2', 'node-3')).toContain('node/node-2 uncordoned\n')
    await cluster.kubectl('wait', 'pod/homeless', '--for=condition=Ready', '--timeout=20s')
  })

  it('a taint keeps pods away that do not tolerate it', async () => {
    expect(await cluster.kubectl('taint', 'nodes', '--all', 'team=a:NoSchedule')).toContain('node/node-1 tainted\n')
    await cluster.kubectl('run', 'refused', '--image=example/app:1')
    await until('the scheduler says why', async () =>
      (await cluster.kubectl('describe', 'pod', 'refused')).includes(
        '0/3 nodes are available: 3 node(s) had untolerated taint {team: a}',
      ),
    )
    const override = { spec: { tolerations: [{ key: 'team', operator: 'Exists' }] } }
    await cluster.kubectl('run', 'tolerated', '--image=example/app:1', `--overrides=${JSON.stringify(override)}`)
    await cluster.kubectl('wait', 'pod/tolerated', '--for=condition=Ready', '--timeout=20s')
    expect(await cluster.kubectl('taint', 'nodes', '--all', 'team-')).toContain('node/node-1 untainted\n')
    await cluster.kubectl('wait', 'pod/refused', '--for=condition=Ready', '--timeout=20s')
  })

  it('a NoExecute taint drives pods out', async () => {
    await cluster.kubectl('run', 'driven', '--image=example/app:1')
    await cluster.kubectl('wait', 'pod/driven', '--for=condition=Ready', '--timeout=20s')
    const node = (await cluster.get('pod', 'driven')).spec.nodeName
    await cluster.kubectl('taint', 'node', node, 'out=now:NoExecute')
    await cluster.kubectl('wait', 'pod/driven', '--for=delete', '--timeout=25s')
    await cluster.kubectl('taint', 'node', node, 'out-')
  })

  it('drain moves a node’s pods elsewhere', async () => {
    await cluster.kubectlWith(deployment('moved', 3), 'create', '-f', '-')
    await cluster.kubectl('rollout', 'status', 'deployment/moved', '--timeout=25s')
    const out = await cluster.kubectl(
      'drain',
      'node-1',
      '--ignore-daemonsets',
      '--force',
      '--delete-emptydir-data',
      '--timeout=25s',
    )
    expect(out).toMatch(/^node\/node-1 cordoned\n[\s\S]*node\/node-1 drained\n$/)
    const left = await cluster.kubectl(
      'get',
      'pods',
      '--field-selector',
      'spec.nodeName=node-1,status.phase=Running',
      '-o',
      'name',
    )
    expect(left).toBe('')
    await cluster.kubectl('rollout', 'status', 'deployment/moved', '--timeout=25s')
    await cluster.kubectl('uncordon', 'node-1')
  })

  it('an eviction respects a disruption budget', async () => {
    await cluster.kubectlWith(deployment('guarded', 1), 'create', '-f', '-')
    await cluster.kubectl('create', 'pdb', 'guarded', '--selector=app=guarded', '--min-available=1')
    await cluster.kubectl('rollout', 'status', 'deployment/guarded', '--timeout=25s')
    // What its controller writes; said here, so that this test is about the eviction alone.
    const status = {
      observedGeneration: 1,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
      disruptionsAllowed: 0,
    }
    await cluster.kubectl(
      'patch',
      'pdb',
      'guarded',
      '--subresource=status',
      '--type=merge',
      '-p',
      JSON.stringify({ status }),
    )
    const name = await cluster.kubectl('get', 'pods', '-l', 'app=guarded', '-o', 'jsonpath={.items[0].metadata.name}')
    const evict = ['create', '--raw', `/api/v1/namespaces/default/pods/${name}/eviction`, '-f', '-']
    const eviction = JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } })
    expect(await cluster.kubectlFails(evict, { stdin: eviction })).toContain(
      "Error from server (TooManyRequests): Cannot evict pod as it would violate the pod's disruption budget.",
    )
    await cluster.kubectl('delete', 'pdb', 'guarded')
    await cluster.kubectlWith(eviction, ...evict)
  })

  it('a workload becomes a deployment and a service, and takes them with it', async () => {
    await cluster.kubectlWith(workload('shop', 2), 'create', '-f', '-')
    await cluster.kubectl('wait', 'workload/shop', '--for=condition=Ready', '--timeout=25s')
    expect(await cluster.kubectl('get', 'wl', 'shop', '--no-headers')).toMatch(/^shop +2\/2 +http:\/\/\S+ /)
    expect(await cluster.kubectl('get', 'deploy,svc', 'shop', '-o', 'name')).toBe(
      'deployment.apps/shop\nservice/shop\n',
    )
    await cluster.kubectl('delete', 'workload', 'shop')
    await until(
      'all is gone',
      async () =>
        (await cluster.kubectl('get', 'deploy,svc,rs,pods', '-l', 'optiflow.dev/workload=shop', '-o', 'name')) === '',
    )
  })
})
