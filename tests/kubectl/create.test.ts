import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { deployment } from '../support/manifests.ts'

describe.skipIf(!hasKubectl)('kubectl create, run and expose (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it.each([
    ['namespace team', 'namespace/team created'],
    ['deployment made --image=example/web:1 --replicas=2 --port=80', 'deployment.apps/made created'],
    ['configmap made --from-literal=a=1 --from-literal=b=2', 'configmap/made created'],
    ['secret generic made --from-literal=password=hunter2', 'secret/made created'],
    ['secret docker-registry pull --docker-server=r --docker-username=u --docker-password=p', 'secret/pull created'],
    ['serviceaccount robot', 'serviceaccount/robot created'],
    ['job once --image=example/job:1 -- true', 'job.batch/once created'],
    ['cronjob nightly --image=example/job:1 --schedule=@daily -- true', 'cronjob.batch/nightly created'],
    ['job again --from=cronjob/nightly', 'job.batch/again created'],
    ['ingress front --rule=shop.example/path*=made:80 --class=any', 'ingress.networking.k8s.io/front created'],
    ['role reader --verb=get,list --resource=pods,deployments.apps', 'role.rbac.authorization.k8s.io/reader created'],
    [
      'rolebinding reads --role=reader --serviceaccount=default:robot',
      'rolebinding.rbac.authorization.k8s.io/reads created',
    ],
    ['clusterrole nodes --verb=get --resource=nodes', 'clusterrole.rbac.authorization.k8s.io/nodes created'],
    [
      'clusterrolebinding all --clusterrole=nodes --user=eve',
      'clusterrolebinding.rbac.authorization.k8s.io/all created',
    ],
    ['quota small -n team --hard=pods=1,requests.cpu=1', 'resourcequota/small created'],
    ['poddisruptionbudget keep --selector=app=made --min-available=1', 'poddisruptionbudget.policy/keep created'],
    ['priorityclass vip --value=1000', 'priorityclass.scheduling.k8s.io/vip created'],
    ['service clusterip inner --tcp=80:8080', 'service/inner created'],
    ['service nodeport outer --tcp=80', 'service/outer created'],
    ['service externalname far --external-name=example.com', 'service/far created'],
    ['service loadbalancer big --tcp=80', 'service/big created'],
  ])('create %s', async (command, line) => {
    expect(await cluster.kubectl('create', ...command.split(' '))).toBe(`${line}\n`)
  })

  it('what was created is what was asked for', async () => {
    expect((await cluster.get('secret', 'made')).data).toEqual({ password: Buffer.from('hunter2').toString('base64') })
    expect((await cluster.get('secret', 'pull')).type).toBe('kubernetes.io/dockerconfigjson')
    expect((await cluster.get('configmap', 'made')).data).toEqual({ a: '1', b: '2' })
    expect((await cluster.get('cronjob', 'nightly')).spec).toMatchObject({
      schedule: '@daily',
      concurrencyPolicy: 'Allow',
      successfulJobsHistoryLimit: 3,
    })
    expect((await cluster.get('service', 'outer')).spec.ports[0].nodePort).toBeGreaterThanOrEqual(30000)
    expect((await cluster.get('service', 'far')).spec.clusterIP).toBeUndefined()
    expect((await cluster.get('ingress', 'front')).spec.rules[0].http.paths[0]).toMatchObject({
      path: '/path',
      pathType: 'Prefix',
    })
    expect((await cluster.get('role', 'reader')).rules).toHaveLength(2)
  })

  it('a second of the same name already exists', async () => {
    expect(await cluster.kubectlFails(['create', 'configmap', 'made'])).toBe(
      'error: failed to create configmap: configmaps "made" already exists\n',
    )
    expect(await cluster.kubectlFails(['create', 'deployment', 'made', '--image=x'])).toBe(
      'error: failed to create deployment: deployments.apps "made" already exists\n',
    )
  })

  it('a namespace that is not there, a bad name and a bad schedule are refused with the reason', async () => {
    expect(await cluster.kubectlFails(['create', 'configmap', 'x', '-n', 'nowhere'])).toBe(
      'error: failed to create configmap: namespaces "nowhere" not found\n',
    )
    expect(await cluster.kubectlFails(['create', 'namespace', 'Not_A_Name'])).toContain(
      'metadata.name: Invalid value: "Not_A_Name"',
    )
    expect(await cluster.kubectlFails(['create', 'cronjob', 'c', '--image=x', '--schedule=often'])).toContain(
      'spec.schedule: Invalid value: "often"',
    )
  })

  it('create token gives one that the API knows', async () => {
    const token = (await cluster.kubectl('create', 'token', 'robot')).trim()
    const bearer = { anonymous: true, headers: { authorization: `Bearer ${token}` } }
    const self = await cluster.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      ...bearer,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    })
    expect(self.json.status.userInfo).toMatchObject({
      username: 'system:serviceaccount:default:robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    })
    expect((await cluster.call('GET', '/api/v1/namespaces/default/pods', bearer)).status).toBe(200)
    const secrets = await cluster.call('GET', '/api/v1/namespaces/default/secrets', bearer)
    expect(secrets.json).toMatchObject({
      code: 403,
      message:
        'secrets is forbidden: User "system:serviceaccount:default:robot" cannot list resource "secrets" in API group "" in the namespace "default"',
    })
  })

  it('auth can-i, as oneself and as others', async () => {
    expect(await cluster.kubectl('auth', 'can-i', 'delete', 'nodes')).toBe(
      "Warning: resource 'nodes' is not namespace scoped\n\nyes\n".slice(-4),
    )
    const robot = '--as=system:serviceaccount:default:robot'
    expect((await cluster.kubectlRaw(['auth', 'can-i', 'get', 'pods', robot])).out).toBe('yes\n')
    const no = await cluster.kubectlRaw(['auth', 'can-i', 'delete', 'pods', robot])
    expect([no.out, no.code]).toEqual(['no\n', 1])
    expect(await cluster.kubectl('auth', 'whoami')).toMatch(
      /^ATTRIBUTE +VALUE\nUsername +\S+\nGroups +\[system:masters system:authenticated\]/,
    )
    expect(await cluster.kubectl('auth', 'can-i', '--list', robot)).toMatch(/pods +\[\] +\[\] +\[get list\]/)
    expect(await cluster.kubectlFails(['get', 'secrets', robot])).toContain(
      'Error from server (Forbidden): secrets is forbidden',
    )
  })

  it('run starts a pod, with a service, or only prints it', async () => {
    expect(await cluster.kubectl('run', 'one', '--image=example/app:1', '--port=80', '--expose')).toBe(
      'service/one created\npod/one created\n',
    )
    await cluster.kubectl('wait', 'pod/one', '--for=condition=Ready', '--timeout=20s')
    expect((await cluster.get('pod', 'one')).metadata.labels).toEqual({ run: 'one' })
    const dry = await cluster.kubectl('run', 'two', '--image=x', '--dry-run=client', '-o', 'yaml')
    expect(dry).toMatch(/^apiVersion: v1\nkind: Pod\n/)
  })

  it('expose makes a service that finds its pods', async () => {
    expect(
      await cluster.kubectl('expose', 'deployment', 'made', '--port=8080', '--target-port=80', '--name=exposed'),
    ).toBe('service/exposed exposed\n')
    expect((await cluster.get('service', 'exposed')).spec).toMatchObject({
      selector: { app: 'made' },
      ports: [{ port: 8080, targetPort: 80, protocol: 'TCP' }],
    })
    await cluster.kubectl('rollout', 'status', 'deployment/made', '--timeout=25s')
    await cluster.kubectl(
      ...['wait', 'endpoints/exposed', '--for=jsonpath={.subsets[0].addresses[1].ip}', '--timeout=20s'],
    )
    const slices = await cluster.kubectl(
      'get',
      'endpointslices',
      '-l',
      'kubernetes.io/service-name=exposed',
      '--no-headers',
    )
    expect(slices).toMatch(/^exposed-\w{5} +IPv4 +80 +\d+\.\d+\.\d+\.\d+,\d+\.\d+\.\d+\.\d+ +\d+s\n$/)
  })

  it('a node port that is taken, or outside the range, is refused', async () => {
    const { nodePort } = (await cluster.get('service', 'outer')).spec.ports[0]
    const taken = ['create', 'service', 'nodeport', 'again', '--tcp=80', `--node-port=${nodePort}`]
    expect(await cluster.kubectlFails(taken)).toContain('provided port is already allocated')
    expect(await cluster.kubectlFails([...taken.slice(0, 5), '--node-port=99'])).toContain(
      'provided port is not in the valid range. The range of valid ports is 30000-32767',
    )
  })

  it('autoscale makes a HorizontalPodAutoscaler', async () => {
    expect(await cluster.kubectl('autoscale', 'deployment', 'made', '--min=1', '--max=3', '--cpu-percent=50')).toBe(
      'horizontalpodautoscaler.autoscaling/made autoscaled\n',
    )
    expect((await cluster.get('hpa', 'made')).spec).toMatchObject({ minReplicas: 1, maxReplicas: 3 })
  })

  it('a manifest with generateName gets a name', async () => {
    const { metadata, ...rest } = deployment('x', 0)
    const out = await cluster.kubectlWith({ ...rest, metadata: { generateName: 'many-' } }, 'create', '-f', '-')
    expect(out).toMatch(/^deployment.apps\/many-[a-z0-9]{5} created\n$/)
  })
})
