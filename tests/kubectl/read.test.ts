import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { configMap, deployment, pod, workload } from '../support/manifests.ts'
import { until } from '../support/processes.ts'

describe.skipIf(!hasKubectl)('kubectl get and describe (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
    await cluster.kubectlWith(deployment('web', 3), 'apply', '-f', '-')
    await cluster.kubectl('expose', 'deployment', 'web', '--port=80')
    await cluster.kubectlWith(workload('shop'), 'apply', '-f', '-')
    await cluster.kubectl('wait', 'deployment/web', '--for=condition=Available', '--timeout=60s')
    await cluster.kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await cluster.kubectl('wait', 'workload/shop', '--for=condition=Ready', '--timeout=60s')
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it('prints the columns that people know', async () => {
    const header = async (...args: string[]) =>
      (await cluster.kubectl('get', ...args))
        .split('\n')[0]!
        .trim()
        .split(/\s{2,}/)
    expect(await header('pods')).toEqual(['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'])
    expect(await header('pods', '-o', 'wide')).toEqual([
      ...['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES'],
    ])
    expect(await header('pods', '-A')).toEqual(['NAMESPACE', 'NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'])
    expect(await header('nodes')).toEqual(['NAME', 'STATUS', 'ROLES', 'AGE', 'VERSION'])
    expect(await header('deploy')).toEqual(['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE'])
    expect(await header('rs', '-o', 'wide')).toEqual([
      ...['NAME', 'DESIRED', 'CURRENT', 'READY', 'AGE', 'CONTAINERS', 'IMAGES', 'SELECTOR'],
    ])
    expect(await header('svc')).toEqual(['NAME', 'TYPE', 'CLUSTER-IP', 'EXTERNAL-IP', 'PORT(S)', 'AGE'])
    expect(await header('ns')).toEqual(['NAME', 'STATUS', 'AGE'])
    expect(await header('cm')).toEqual(['NAME', 'DATA', 'AGE'])
    expect(await header('endpoints')).toEqual(['NAME', 'ENDPOINTS', 'AGE'])
    expect(await header('events')).toEqual(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'])
    expect(await header('deploy', '--show-labels')).toEqual([
      'NAME',
      'READY',
      'UP-TO-DATE',
      'AVAILABLE',
      'AGE',
      'LABELS',
    ])
    expect(await header('pods', '-L', 'app')).toEqual(['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'APP'])
  })

  it('prints rows with the state of things', async () => {
    expect(await cluster.kubectl('get', 'deploy', 'web', '--no-headers')).toMatch(/^web +3\/3 +3 +3 +\d+s\n$/)
    expect(await cluster.kubectl('get', 'nodes', '--no-headers')).toMatch(
      /^(node-[123] +Ready +<none> +\d+s +v1\.32\.\d+\n){3}$/,
    )
    expect(await cluster.kubectl('get', 'svc', 'web', '--no-headers')).toMatch(
      /^web +ClusterIP +10\.96\.\d+\.\d+ +<none> +80\/TCP +\d+s\n$/,
    )
    expect(await cluster.kubectl('get', 'pods', '-l', 'app=web', '--no-headers')).toMatch(
      /^(web-[a-z0-9]+-[a-z0-9]{5} +1\/1 +Running +0 +\d+s\n){3}$/,
    )
    expect(await cluster.kubectl('get', 'endpoints', 'web', '--no-headers')).toMatch(
      /^web +(\d+\.\d+\.\d+\.\d+:80,?){3} +\d+s\n$/,
    )
    expect(await cluster.kubectl('get', 'all')).toMatch(
      /^NAME[\s\S]*\npod\/web[\s\S]*service\/web[\s\S]*deployment.apps\/web[\s\S]*replicaset.apps\/web/,
    )
  })

  it('gives yaml, json, names, jsonpath, templates and columns of our choice', async () => {
    expect(await cluster.kubectl('get', 'deploy', 'web', '-o', 'name')).toBe('deployment.apps/web\n')
    expect(await cluster.kubectl('get', 'deploy/web', 'svc/web', '-o', 'name')).toBe(
      'deployment.apps/web\nservice/web\n',
    )
    const yaml = await cluster.kubectl('get', 'deploy', 'web', '-o', 'yaml')
    expect(yaml).toMatch(/^apiVersion: apps\/v1\nkind: Deployment\nmetadata:\n {2}annotations:\n/)
    expect(yaml).not.toContain('managedFields')
    expect((await cluster.get('deploy', 'web')).spec.replicas).toBe(3)
    expect(await cluster.kubectl('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('3')
    expect(await cluster.kubectl('get', 'deploy', 'web', '-o', 'go-template={{.metadata.name}}')).toBe('web')
    expect(
      await cluster.kubectl('get', 'deploy', 'web', '-o', 'custom-columns=N:.metadata.name,R:.spec.replicas'),
    ).toBe('N     R\nweb   3\n')
    const list = JSON.parse(await cluster.kubectl('get', 'pods', '-o', 'json'))
    expect([list.kind, list.items[0].kind, list.items[0].apiVersion]).toEqual(['List', 'Pod', 'v1'])
  })

  it('selects by label and by field, sorts, and limits by chunks', async () => {
    const names = async (...args: string[]) =>
      (await cluster.kubectl('get', ...args, '-o', 'name')).split('\n').filter(Boolean)
    expect(await names('pods', '-l', 'app=web')).toHaveLength(3)
    expect(await names('pods', '-l', 'app in (web, other),!missing')).toHaveLength(3)
    expect(await names('pods', '-l', 'app!=web')).toHaveLength(2)
    expect(await names('nodes', '--field-selector', 'metadata.name=node-2')).toEqual(['node/node-2'])
    expect(await names('pods', '--field-selector', 'status.phase=Running,spec.nodeName!=node-9')).toHaveLength(5)
    expect(await names('pods', '--field-selector', 'status.phase=Failed')).toEqual([])
    const [one] = await names('pods')
    expect(await names('pods', '--chunk-size=2')).toHaveLength(5)
    const reversed = await names('nodes', '--sort-by={.metadata.name}')
    expect(reversed).toEqual(['node/node-1', 'node/node-2', 'node/node-3'])
    expect(one).toMatch(/^pod\//)
    expect(await cluster.kubectlFails(['get', 'pods', '--field-selector', 'spec.color=red'])).toContain(
      'field label not supported: spec.color',
    )
    expect(await cluster.kubectlFails(['get', 'pods', '-l', 'a in b'])).toContain('unable to parse requirement')
  })

  it('watches: each change is one line', async () => {
    const watch = cluster.kubectlStart('get', 'configmaps', '-w', '--no-headers', '-l', 'seen=yes')
    await cluster.kubectlWith(configMap('seen', { a: '1' }, { seen: 'yes' }), 'create', '-f', '-')
    await until('the new one', () => /^seen +1 /m.test(watch.out()))
    await cluster.kubectl('patch', 'configmap', 'seen', '-p', '{"data":{"b":"2"}}')
    await until('the change', () => /^seen +2 /m.test(watch.out()))
    await cluster.kubectl('delete', 'configmap', 'seen')
    await until('the deletion', () => (watch.out().match(/^seen/gm) ?? []).length === 3)
    await watch.stop()
  })

  it('watches with events and as objects', async () => {
    const watch = cluster.kubectlStart('get', 'pods', 'watched', '-w', '--output-watch-events', '--ignore-not-found')
    const objects = cluster.kubectlStart(
      'get',
      'pods',
      '-l',
      'run=watched',
      '-w',
      '-o',
      'jsonpath={.status.phase}{"\\n"}',
      '-v=6',
    )
    await until('it watches', () => /watch=true.* 200 OK/.test(objects.err()))
    await cluster.kubectl('run', 'watched', '--image=example/app:1')
    await cluster.kubectl('wait', 'pod/watched', '--for=condition=Ready', '--timeout=30s')
    await cluster.kubectl('delete', 'pod', 'watched', '--now')
    await until('phases', () => /^Pending\n[\s\S]*^Running\n/m.test(objects.out()))
    await watch.stop()
    await objects.stop()
  })

  it('says what it does not find', async () => {
    expect(await cluster.kubectlFails(['get', 'pod', 'nobody'])).toBe(
      'Error from server (NotFound): pods "nobody" not found\n',
    )
    expect(await cluster.kubectlFails(['get', 'spaceships'])).toBe(
      'error: the server doesn\'t have a resource type "spaceships"\n',
    )
    expect((await cluster.kubectlOk(['get', 'pods', '-n', 'kube-public'])).err).toBe(
      'No resources found in kube-public namespace.\n',
    )
  })

  it('describes a pod with its containers, conditions and events', async () => {
    const [name] = (await cluster.kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n')
    const text = await cluster.kubectl('describe', name!)
    for (const line of [
      /^Name: +web-/m,
      /^Service Account: +default$/m,
      /^Node: +node-[123]\/127\.0\.0\.1$/m,
      /^Status: +Running$/m,
      /^IP: +\d+\.\d+\.\d+\.\d+$/m,
      /^Controlled By: +ReplicaSet\/web-/m,
      /^ {4}Image: +example\/web:1$/m,
      /^ {4}State: +Running$/m,
      /^ {4}Ready: +True$/m,
      /^ {2}PodReadyToStartContainers +True/m,
      /^ {2}ContainersReady +True/m,
      /^QoS Class: +BestEffort$/m,
      /^Tolerations: +node\.kubernetes\.io\/not-ready:NoExecute op=Exists for 300s$/m,
      /^ {2}Normal +Scheduled +\S+ +default-scheduler +Successfully assigned default\/web-\S+ to node-[123]$/m,
      /^ {2}Normal +Started +\S+ +kubelet +Started container web$/m,
    ])
      expect(text).toMatch(line)
  })

  it('describes a node, a deployment, a service and a workload', async () => {
    const node = await cluster.kubectl('describe', 'node', 'node-1')
    expect(node).toMatch(/^ {2}Ready +True +.*KubeletReady/m)
    expect(node).toMatch(/^PodCIDR: +10\.244\.\d+\.0\/24$/m)
    expect(node).toMatch(/^Lease:\n {2}HolderIdentity: +node-1$/m)
    expect(node).toMatch(/^Non-terminated Pods: +\(\d+ in total\)$/m)
    expect(node).toMatch(/^Allocated resources:/m)
    const deploy = await cluster.kubectl('describe', 'deployment', 'web')
    expect(deploy).toMatch(/^Replicas: +3 desired \| 3 updated \| 3 total \| 3 available \| 0 unavailable$/m)
    expect(deploy).toMatch(/^ {2}Available +True +MinimumReplicasAvailable$/m)
    expect(deploy).toMatch(/^ {2}Progressing +True +NewReplicaSetAvailable$/m)
    expect(deploy).toMatch(/^NewReplicaSet: +web-\S+ \(3\/3 replicas created\)$/m)
    expect(deploy).toMatch(
      /^ {2}Normal +ScalingReplicaSet +\S+ +deployment-controller +Scaled up replica set web-\S+ from 0 to 3$/m,
    )
    const service = await cluster.kubectl('describe', 'service', 'web')
    expect(service).toMatch(/^Selector: +app=web$/m)
    expect(service).toMatch(/^Endpoints: +(\d+\.\d+\.\d+\.\d+:80,?){3}$/m)
    expect(service).toMatch(/^Session Affinity: +None$/m)
    const work = await cluster.kubectl('describe', 'workload', 'shop')
    expect(work).toMatch(/^Kind: +Workload$/m)
    expect(work).toMatch(/^ {2}Ready Replicas: +2$/m)
  })

  it('describes what is wrong with a pod that cannot start', async () => {
    const broken = pod('broken', { 'pull-error': 'no such image' })
    broken.spec.containers[0]!.image = 'example/never-pulled:1'
    await cluster.kubectlWith(broken, 'create', '-f', '-')
    await until('the waiting reason', async () =>
      /ErrImagePull|ImagePullBackOff/.test(await cluster.kubectl('get', 'pod', 'broken', '--no-headers')),
    )
    const text = await until('the event', async () => {
      const all = await cluster.kubectl('describe', 'pod', 'broken')
      return /Warning +Failed/.test(all) && all
    })
    expect(text).toMatch(/^ {2}Warning +Failed +.*no such image/m)
    await cluster.kubectl('delete', 'pod', 'broken', '--now')
  })

  it('shows events of one object and of all, newest last', async () => {
    expect(await cluster.kubectl('events', '--for', 'deployment/web')).toMatch(
      /Normal +ScalingReplicaSet +Deployment\/web/,
    )
    expect(await cluster.kubectl('get', 'events', '--field-selector', 'reason=Scheduled', '-o', 'name')).toMatch(
      /^event\/web-/m,
    )
    expect(await cluster.kubectl('events', '-A', '--types=Warning')).not.toMatch(/Normal/)
  })

  it('reads raw paths', async () => {
    expect(await cluster.kubectl('get', '--raw', '/readyz')).toBe('ok')
    expect(await cluster.kubectl('get', '--raw', '/readyz?verbose')).toMatch(
      /\[\+\]ping ok\n[\s\S]*readyz check passed\n/,
    )
    expect(JSON.parse(await cluster.kubectl('get', '--raw', '/version')).minor).toBe('32')
    expect(
      JSON.parse(await cluster.kubectl('get', '--raw', '/api/v1/namespaces/default/pods?limit=1')).items,
    ).toHaveLength(1)
    expect(await cluster.kubectl('get', '--raw', '/metrics')).toMatch(/^# HELP /m)
    expect(await cluster.kubectlFails(['get', '--raw', '/nothing/here'])).toContain(
      'the server could not find the requested resource',
    )
  })
})
