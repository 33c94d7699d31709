import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer } from '../../src/apiserver/testing/test-server.ts'
import { openMemoryStore } from '../../src/db/index.ts'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { until } from '../support/processes.ts'
import { ReplayClient, tokenRequestBytes } from './replay-client.ts'
import { shapeManifest } from './shape.ts'

/*
 * Every call that Calico v3.32.1 makes of the API server, made exactly as it makes it. In parentheses: where Calico makes it
 * (LB: libcalico-go/lib/backend/k8s). It proves that the API fits, not that Calico works on it.
 */
const crd = '/apis/crd.projectcalico.org/v1'
const apiVersion = 'crd.projectcalico.org/v1'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

describe.skipIf(!hasKubectl)(`the API that Calico needs${hasKubectl ? '' : ' (skipped: no kubectl)'}`, () => {
  let cluster: Cluster
  let node: ReplayClient
  let controllers: ReplayClient
  let podUid: string

  beforeAll(async () => {
    console.log('Calico itself was not run here: its calls are replayed by a client of ours')
    cluster = await Cluster.start({ nodes: 2 })
    await cluster.kubectlWith(await shapeManifest(), 'apply', '-f', '-')
    await cluster.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=20s')
    await cluster.kubectl('run', 'web', '--image=example/web:1')
    await cluster.kubectl('wait', '--for=condition=Ready', 'pod/web', '--timeout=30s')
    podUid = (await cluster.get('pod', 'web')).metadata.uid
    node = await ReplayClient.as(cluster, 'calico-node')
    controllers = await ReplayClient.as(cluster, 'calico-kube-controllers')
  })

  afterAll(async () => {
    await node?.[Symbol.asyncDispose]()
    await controllers?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  const pool = (name: string, spec: object) => ({ apiVersion, kind: 'IPPool', metadata: { name }, spec })
  const block = (name: string, spec: object = {}) => ({
    apiVersion,
    kind: 'IPAMBlock',
    metadata: { name },
    spec: {
      cidr: '10.20.0.0/29',
      affinity: 'host:node-1',
      strictAffinity: false,
      allocations: [0, null, null, null, null, null, null, null],
      unallocated: [1, 2, 3, 4, 5, 6, 7],
      attributes: [
        { handle_id: 'vxlan-tunnel-addr-node-1', secondary: { node: 'node-1', type: 'vxlanTunnelAddress' } },
      ],
      ...spec,
    },
  })

  describe('wire format', () => {
    const tokens = '/api/v1/namespaces/kube-system/serviceaccounts/calico-cni-plugin/token'

    it('a TokenRequest in protobuf gives the CNI plugin a token that works and says when it ends (node/pkg/cni/token_watch.go:121)', async () => {
      const { status, body } = await node.bytes('POST', tokens, tokenRequestBytes(86_400))
      expect(status).toBe(201)
      expect(body).toMatchObject({ kind: 'TokenRequest', status: { token: expect.stringMatching(/^ey/) } })
      const lifeMs = Date.parse(body.status.expirationTimestamp) - Date.now()
      expect(lifeMs).toBeGreaterThan(86_000_000)
      await using plugin = new ReplayClient(cluster.url, (await cluster.credentials()).ca, body.status.token)
      expect((await plugin.custom('GET', `${crd}/ippools`)).status).toBe(200)
      expect((await plugin.core('GET', '/api/v1/namespaces/default/pods/web')).status).toBe(200)
      expect((await plugin.core('GET', '/api/v1/secrets')).status).toBe(403)
    })

    it('only for the account that its role names (manifests: resourceNames)', async () => {
      const other = tokens.replace('calico-cni-plugin', 'calico-kube-controllers')
      expect((await node.bytes('POST', other, tokenRequestBytes(3600))).status).toBe(403)
    })

    it('a node is put back with its status and annotations in protobuf (LB resources/node.go:98)', async () => {
      const path = '/api/v1/nodes/node-1'
      const { body, type } = await node.core('GET', path)
      expect(type).toContain('protobuf')
      body.metadata.annotations = { ...body.metadata.annotations, 'projectcalico.org/IPv4Address': '10.0.0.1/24' }
      const put = await node.core('PUT', `${path}/status`, body)
      expect(put.status).toBe(200)
      expect((await cluster.get('node', 'node-1')).metadata.annotations).toMatchObject({
        'projectcalico.org/IPv4Address': '10.0.0.1/24',
      })
      expect((await node.core('PUT', `${path}/status`, body)).body).toMatchObject({ code: 409, reason: 'Conflict' })
    })

    it("a Service's load balancer address is put in protobuf (kube-controllers, loadbalancer)", async () => {
      await cluster.kubectl('create', 'service', 'loadbalancer', 'lb', '--tcp=80')
      const path = '/api/v1/namespaces/default/services/lb'
      const put = await until('no conflict with our own balancer', async () => {
        const { body } = await controllers.core('GET', path)
        body.status = { loadBalancer: { ingress: [{ ip: '10.9.9.9' }] } }
        const reply = await controllers.core('PUT', `${path}/status`, body)
        return reply.status === 200 ? reply : undefined
      })
      expect(put.body.status.loadBalancer.ingress[0].ip).toBe('10.9.9.9')
    })

    it('custom resources come as JSON although the client would take protobuf first (LB client.go)', async () => {
      const { status, type, body } = await node.custom('GET', `${crd}/ippools`)
      expect([status, type, body.kind]).toEqual([200, 'application/json', 'IPPoolList'])
    })
  })

  describe('list and watch', () => {
    it('the first list takes what is cached, and its revision is never 0, empty or not (watchersyncer/watchercache.go)', async () => {
      for (const path of [
        `${crd}/ippools`,
        `${crd}/bgppeers`,
        '/api/v1/pods',
        '/apis/networking.k8s.io/v1/networkpolicies',
      ])
        expect(Number((await node.firstList(path)).resourceVersion), path).toBeGreaterThan(0)
    })

    it('pages of the first list go on where they ended (LB resources/list_pager.go)', async () => {
      for (let i = 0; i < 5; i++)
        await node.custom('POST', `${crd}/blockaffinities`, {
          apiVersion,
          kind: 'BlockAffinity',
          metadata: { name: `node-1-10-20-${i}-0-26` },
          spec: { cidr: `10.20.${i}.0/26`, node: 'node-1', state: 'confirmed', deleted: 'false' },
        })
      const names: string[] = []
      let more = ''
      do {
        const { body } = await node.custom('GET', `${crd}/blockaffinities?limit=2${more}`)
        names.push(...body.items.map((i: any) => i.metadata.name))
        more = body.metadata.continue ? `&continue=${encodeURIComponent(body.metadata.continue)}` : ''
      } while (more)
      expect(names).toHaveLength(5)
      expect((await node.firstList(`${crd}/blockaffinities`)).items).toHaveLength(5)
    })

    it('a watch goes on from the list, and every event is of its kind (watchercache.go)', async () => {
      const { resourceVersion } = await node.firstList(`${crd}/ippools`)
      const watched = await node.watch(`${crd}/ippools`, `resourceVersion=${resourceVersion}&allowWatchBookmarks=true`)
      await controllers.custom('POST', `${crd}/ippools`, pool('watched', { cidr: '10.21.0.0/16' }))
      const event = await watched.next()
      expect(event).toMatchObject({
        type: 'ADDED',
        object: { apiVersion, kind: 'IPPool', metadata: { name: 'watched' } },
      })
      watched.end()
    })

    it('a watch with sendInitialEvents gives all, then a bookmark that says so (client-go ≥ 0.35)', async () => {
      const query = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
      const watched = await node.watch(`${crd}/ippools`, query)
      const events = await watched.until(e => e.type === 'BOOKMARK')
      expect(events.map(e => [e.type, e.object.kind])).toEqual([
        ['ADDED', 'IPPool'],
        ['BOOKMARK', 'IPPool'],
      ])
      const { annotations } = events.at(-1).object.metadata
      expect(annotations['k8s.io/initial-events-end']).toBe('true')
      // What client-go puts the objects into (watch.go, v1.32).
      const blueprint = Buffer.from(annotations['kubernetes.io/initial-events-list-blueprint'], 'base64')
      expect(JSON.parse(blueprint.toString())).toMatchObject({ kind: 'IPPoolList', items: [] })
      watched.end()
    })

    it('a revision of the future is refused with 504 (watchercache.go)', async () => {
      const { status, body } = await node.custom(
        'GET',
        `${crd}/ippools?resourceVersion=999999999&resourceVersionMatch=NotOlderThan`,
      )
      expect([status, body.reason]).toEqual([504, 'Timeout'])
      expect(body.message).toContain('Too large resource version')
    })

    it('selectors by label and by name work for custom resources too (LB resources/watcher.go)', async () => {
      await cluster.kubectl('label', 'ippool', 'watched', 'team=a')
      const listed = async (query: string) =>
        (await node.custom('GET', `${crd}/ippools?${query}`)).body.items.map((i: any) => i.metadata.name)
      expect(await listed('labelSelector=team%3Da')).toEqual(['watched'])
      expect(await listed('labelSelector=team%3Db')).toEqual([])
      expect(await listed('fieldSelector=metadata.name%3Dwatched')).toEqual(['watched'])
      const watched = await node.watch(`${crd}/ippools`, 'resourceVersion=0&fieldSelector=metadata.name%3Dother')
      await controllers.custom('POST', `${crd}/ippools`, pool('unseen', { cidr: '10.22.0.0/16' }))
      await controllers.custom('POST', `${crd}/ippools`, pool('other', { cidr: '10.23.0.0/16' }))
      expect((await watched.next()).object.metadata.name).toBe('other')
      watched.end()
    })

    it('a group that nobody serves is 404, so that Felix goes on without it (kubevirt.io)', async () => {
      expect((await node.custom('GET', '/apis/kubevirt.io/v1/virtualmachineinstances')).status).toBe(404)
      expect((await node.custom('GET', '/apis/projectcalico.org/v3/ippools')).status).toBe(404)
    })
  })

  describe('semantics', () => {
    it('uids are UUIDs (LB conversion.ConvertUID)', async () => {
      const { items } = await node.firstList(`${crd}/ippools`)
      for (const uid of [podUid, ...items.map(i => i.metadata.uid)]) expect(uid).toMatch(uuid)
    })

    it("a pod's annotations are written through its status, guarded by uid and revision (LB workloadendpoint.go:182)", async () => {
      const path = '/api/v1/namespaces/default/pods/web/status'
      const annotations = {
        'cni.projectcalico.org/podIP': '10.20.0.1/32',
        'cni.projectcalico.org/podIPs': '10.20.0.1/32',
      }
      const done = await node.strategic(path, { metadata: { uid: podUid, annotations } })
      expect([done.status, done.body.metadata.annotations]).toMatchObject([200, annotations])
      const { resourceVersion } = done.body.metadata
      const emptied = { ...annotations, 'cni.projectcalico.org/podIP': '' }
      expect(
        (await node.strategic(path, { metadata: { uid: podUid, resourceVersion, annotations: emptied } })).status,
      ).toBe(200)
      const again = await node.strategic(path, { metadata: { resourceVersion, annotations } })
      expect(again.body).toMatchObject({ code: 409, reason: 'Conflict' })
      const other = await node.strategic(path, {
        metadata: { uid: '11111111-2222-3333-4444-555555555555', annotations },
      })
      expect(other.body).toMatchObject({ code: 422, reason: 'Invalid' })
      expect(other.body.message).toContain(
        'metadata.uid: Invalid value: "11111111-2222-3333-4444-555555555555": field is immutable',
      )
      expect((await cluster.get('pod', 'web')).metadata.annotations).toMatchObject(emptied)
    })

    it('conditions of a node are merged by type (node/pkg/lifecycle/startup: NetworkUnavailable)', async () => {
      const condition = {
        type: 'NetworkUnavailable',
        status: 'False',
        reason: 'CalicoIsUp',
        message: 'Calico is running',
      }
      const { status } = await node.strategic('/api/v1/nodes/node-1/status', { status: { conditions: [condition] } })
      expect(status).toBe(200)
      const { conditions } = (await cluster.get('node', 'node-1')).status
      expect(conditions.find((c: any) => c.type === 'Ready')?.status).toBe('True')
      expect(conditions.find((c: any) => c.type === 'NetworkUnavailable')).toMatchObject(condition)
    })

    it('a put is compare-and-swap, and a delete asks for its uid (LB resources/customresource.go, ipam_block.go)', async () => {
      const name = '10-20-0-0-29'
      const made = (await node.custom('POST', `${crd}/ipamblocks`, block(name))).body
      const path = `${crd}/ipamblocks/${name}`
      expect((await node.custom('POST', `${crd}/ipamblocks`, block(name))).body).toMatchObject({
        reason: 'AlreadyExists',
      })
      const swap = (from: any) => node.custom('PUT', path, { ...from, spec: { ...from.spec, sequenceNumber: 7 } })
      const swapped = await swap(made)
      expect(swapped.status).toBe(200)
      expect((await swap(made)).body).toMatchObject({ code: 409, reason: 'Conflict' })
      const blind = block(name)
      expect((await node.custom('PUT', path, blind)).status).toBe(422)
      const preconditions = { uid: '11111111-2222-3333-4444-555555555555' }
      const refused = await node.custom('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', preconditions })
      expect(refused.status).toBe(409)
      expect(refused.body.message).toContain('the UID in the precondition')
      const own = { preconditions: { uid: made.metadata.uid } }
      expect((await node.custom('DELETE', path, { kind: 'DeleteOptions', apiVersion: 'v1', ...own })).status).toBe(200)
      expect((await node.custom('GET', path)).status).toBe(404)
    })

    it('a policy without types says itself what it isolates (LB conversion: policyTypes)', async () => {
      const policy = (name: string, spec: object) =>
        cluster.kubectlWith(
          { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace: 'default' }, spec },
          ...['apply', '-f', '-'],
        )
      await policy('in', { podSelector: {} })
      await policy('both', { podSelector: {}, egress: [{}] })
      const { items } = await node.firstList('/apis/networking.k8s.io/v1/networkpolicies')
      expect(Object.fromEntries(items.map(i => [i.metadata.name, i.spec.policyTypes]))).toEqual({
        in: ['Ingress'],
        both: ['Ingress', 'Egress'],
      })
      await cluster.kubectl('delete', 'networkpolicy', 'in', 'both')
    })

    it('version, health and discovery answer (felix/daemon/daemon.go:317, kube-controllers)', async () => {
      const version = await node.custom('GET', '/version')
      expect(version.body).toMatchObject({ major: '1', minor: expect.stringMatching(/^\d+$/) })
      expect((await controllers.custom('GET', '/healthz')).body).toBe('ok')
      expect((await node.custom('GET', '/api')).body.versions).toEqual(['v1'])
      const groups = (await node.custom('GET', '/apis')).body.groups.map((g: any) => g.name)
      expect(groups).toContain('crd.projectcalico.org')
      expect(groups).not.toContain('projectcalico.org')
    })
  })

  describe('resources', () => {
    it('all that Felix, Typha and confd follow can be listed and watched (LB syncersv1)', async () => {
      for (const path of [
        ...['pods', 'nodes', 'namespaces', 'serviceaccounts', 'services'].map(r => `/api/v1/${r}`),
        '/apis/discovery.k8s.io/v1/endpointslices',
        '/apis/networking.k8s.io/v1/networkpolicies',
        ...['ippools', 'tiers', 'globalnetworkpolicies', 'networkpolicies', 'felixconfigurations'].map(
          r => `${crd}/${r}`,
        ),
      ]) {
        const { resourceVersion } = await node.firstList(path)
        const watched = await node.watch(path, `resourceVersion=${resourceVersion}&allowWatchBookmarks=true`)
        expect(watched.status, path).toBe(200)
        watched.end()
      }
      expect((await node.core('GET', '/apis/apps/v1/namespaces/kube-system/daemonsets/calico-node')).status).toBe(200)
    })

    it('configurations of other installers are not there (node startup: kubeadm-config)', async () => {
      for (const name of ['kubeadm-config', 'full-cluster-state'])
        expect((await node.core('GET', `/api/v1/namespaces/kube-system/configmaps/${name}`)).status).toBe(404)
    })

    it('schemas fill in, cut off, let null and numbers or words through, and hold lists to their keys', async () => {
      const path = `${crd}/ippools`
      const made = await controllers.custom(
        'POST',
        path,
        pool('schema', { cidr: '10.30.0.0/16', unknown: 1, allowedUses: ['Tunnel'] }),
      )
      expect(made.body.spec).toEqual({ cidr: '10.30.0.0/16', allowedUses: ['Tunnel'], assignmentMode: 'Automatic' })
      const twice = await controllers.custom(
        'POST',
        path,
        pool('twice', { cidr: '10.31.0.0/16', allowedUses: ['Tunnel', 'Tunnel'] }),
      )
      expect(twice.body.message).toContain('Duplicate value: "Tunnel"')
      const kept = await node.custom('POST', `${crd}/ipamblocks`, block('10-20-0-8-29'))
      expect(kept.body.spec).toMatchObject({
        allocations: [0, null, null, null, null, null, null, null],
        sequenceNumber: 0,
      })
      const felix = { apiVersion, kind: 'FelixConfiguration', metadata: { name: 'default' } }
      const ranges = ['30000:32767', 40000]
      const written = await node.custom('POST', `${crd}/felixconfigurations`, {
        ...felix,
        spec: { kubeNodePortRanges: ranges },
      })
      expect(written.body.spec.kubeNodePortRanges).toEqual(ranges)
    })

    it('rules in the schema are kept, also those that look at what was before (CEL: cidr, oldSelf)', async () => {
      const path = `${crd}/ippools`
      const refused = async (spec: object) =>
        (await controllers.custom('POST', path, pool('refused', spec))).body.message
      expect(await refused({ cidr: '10.32.0.1/16' })).toContain('bits are set behind the mask')
      expect(await refused({ cidr: 'no network' })).toContain('Invalid value')
      expect(await refused({ cidr: '10.32.0.0/16', ipipMode: 'Always', vxlanMode: 'Always' })).toContain('only one of')
      const { body } = await controllers.custom('GET', `${path}/schema`)
      const moved = await controllers.custom('PUT', `${path}/schema`, {
        ...body,
        spec: { ...body.spec, cidr: '10.33.0.0/16' },
      })
      expect(moved.body).toMatchObject({ code: 422, reason: 'Invalid' })
      expect(moved.body.message).toContain('a pool keeps its CIDR')
      const tier = { apiVersion, kind: 'Tier', metadata: { name: 'default' }, spec: { defaultAction: 'Pass' } }
      expect((await node.custom('POST', `${crd}/tiers`, tier)).body.message).toContain('the tier "default" denies')
    })

    it('a status is written with the object where its definition has none apart (caliconodestatuses: LB resources/caliconodestatus.go)', async () => {
      const status = { agent: { birdV4: { state: 'Ready' } } }
      const made = await controllers.custom('POST', `${crd}/caliconodestatuses`, {
        apiVersion,
        kind: 'CalicoNodeStatus',
        metadata: { name: 'asked' },
        spec: { node: 'node-1', classes: ['Agent'], updatePeriodSeconds: 10 },
      })
      const put = await node.custom('PUT', `${crd}/caliconodestatuses/asked`, { ...made.body, status })
      expect([put.status, put.body.status]).toEqual([200, status])
      expect((await node.custom('PUT', `${crd}/caliconodestatuses/asked/status`, put.body)).status).toBe(404)
    })

    it('and apart from the spec where it has one (kubecontrollersconfigurations)', async () => {
      const path = `${crd}/kubecontrollersconfigurations`
      const spec = { controllers: { node: { leakGracePeriod: '15m' } } }
      const object = { apiVersion, kind: 'KubeControllersConfiguration', metadata: { name: 'default' }, spec }
      const { body } = await controllers.custom('POST', path, object)
      expect(body.spec).toEqual({ ...spec, healthChecks: 'Enabled' })
      const status = { runningConfig: { controllers: spec.controllers } }
      const put = await controllers.custom('PUT', `${path}/default/status`, { ...body, spec: {}, status })
      expect([put.status, put.body.spec, put.body.status]).toEqual([200, body.spec, status])
    })

    it('all 23 definitions are served, those of a protected group too, each with its rules', async () => {
      const { items } = JSON.parse(await cluster.kubectl('get', 'crd', '-o', 'json'))
      const own = items.filter((d: any) => /projectcalico|policy\.networking/.test(d.spec.group))
      expect(own.length).toBe(23)
      for (const { metadata, status } of own)
        expect(status.conditions.find((c: any) => c.type === 'Established')?.status, metadata.name).toBe('True')
    })

    it.each([
      ['bgpconfigurations', { nodeToNodeMeshEnabled: false, nodeMeshMaxRestartTime: '1m' }, 'of the mesh'],
      ['bgpfilters', { importV4: [{ action: 'Accept', cidr: '10.0.0.0/8' }] }, 'cidr and matchOperator go together'],
      ['hostendpoints', { node: 'n1' }, 'an interface or an address'],
      ['ipamconfigs', { autoAllocateBlocks: true }, 'spec.strictAffinity: Required value'],
      ['ipreservations', { reservedCIDRs: ['10.0.0.1/32', '10.0.0.1/32'] }, 'Duplicate value'],
      ['globalnetworksets', { nets: ['10.0.0.0/8', '10.0.0.0/8'] }, 'Duplicate value'],
      ['stagedglobalnetworkpolicies', { doNotTrack: true, preDNAT: true }, 'only one of'],
      [
        'stagedglobalnetworkpolicies',
        { ingress: [{ action: 'Allow', protocol: 'TCP', destination: { services: { name: 'a' }, ports: [80] } }] },
        'a Service says its ports itself',
      ],
      ['stagedglobalnetworkpolicies', { egress: [{ action: 'Deny', http: { methods: ['GET'] } }] }, 'looks into HTTP'],
    ])('%s with %j are refused by their own rules', async (plural, spec, reason) => {
      const kinds = await node.custom('GET', crd)
      const { kind } = kinds.body.resources.find((r: any) => r.name === plural)
      const object = { apiVersion, kind, metadata: { name: 'sample' }, spec }
      const { body } = await controllers.custom('POST', `${crd}/${plural}?dryRun=All`, object)
      expect(body).toMatchObject({ code: 422, message: expect.stringContaining(reason) })
    })

    it('cluster network policies are followed by Felix, and held to their rules (LB resources/clusternetworkpolicy.go)', async () => {
      const path = '/apis/policy.networking.k8s.io/v1alpha2/clusternetworkpolicies'
      const { resourceVersion } = await node.firstList(path)
      const watched = await node.watch(path, `resourceVersion=${resourceVersion}&allowWatchBookmarks=true`)
      const sample = (networks: string[], range: object) => ({
        apiVersion: 'policy.networking.k8s.io/v1alpha2',
        kind: 'ClusterNetworkPolicy',
        metadata: { name: 'sample' },
        spec: {
          tier: 'Admin',
          priority: 10,
          subject: { namespaces: {} },
          egress: [{ action: 'Deny', protocols: [{ tcp: { destinationPort: { range } } }], to: [{ networks }] }],
        },
      })
      const apply = (object: object) => cluster.kubectlWith(object, 'create', '-f', '-')
      const ports = { start: 1, end: 1024 }
      await expect(apply(sample(['10.0.0.0'], ports))).rejects.toThrow('no network')
      await expect(apply(sample(['10.0.0.0/8'], { start: 9, end: 1 }))).rejects.toThrow('it ends before it starts')
      await apply(sample(['10.0.0.0/8'], ports))
      const added = (await watched.until(event => event.type === 'ADDED')).at(-1)
      expect(added.object.spec).toEqual(sample(['10.0.0.0/8'], ports).spec)
      watched.end()
      expect(await cluster.kubectl('get', 'cnp')).toMatch(/^NAME +TIER +PRIORITY\nsample +Admin +10$/m)
    })

    it('the priority classes are built in, and the DaemonSet is on every node (manifests)', async () => {
      const daemons = JSON.parse(
        await cluster.kubectl('get', 'pods', '-n', 'kube-system', '-l', 'k8s-app=calico-node', '-o', 'json'),
      )
      expect(daemons.items.map((p: any) => [p.spec.nodeName, p.spec.priority]).sort()).toEqual([
        ['node-1', 2_000_001_000],
        ['node-2', 2_000_001_000],
      ])
      await cluster.kubectl('rollout', 'status', 'daemonset/calico-node', '-n', 'kube-system', '--timeout=30s')
      await cluster.kubectl(
        'rollout',
        'status',
        'deployment/calico-kube-controllers',
        '-n',
        'kube-system',
        '--timeout=30s',
      )
    })
  })
})

describe('a watch of custom resources that comes too late', () => {
  it('is told so with 410 Expired, as an event, and can begin anew (watchercache.go)', async () => {
    const store = await openMemoryStore()
    await using first = await startTestServer({ store })
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'ippools.crd.projectcalico.org' },
      spec: {
        group: 'crd.projectcalico.org',
        scope: 'Cluster',
        names: { plural: 'ippools', kind: 'IPPool' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    }
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    expect((await first.call('POST', definitions, definition)).status).toBe(201)
    const pools = `${crd}/ippools`
    const made = async (name: string) => first.call('POST', pools, { apiVersion, kind: 'IPPool', metadata: { name } })
    const { body } = await until('the new kind', async () => {
      const answer = await made('a')
      return answer.status === 201 ? answer : undefined
    })
    await made('b')
    await store.compact(await store.revision())
    await using second = await startTestServer({ store })
    const late = await until('the kind there too', async () => {
      const watching = await second.watch(`${pools}?watch=1&resourceVersion=${body.metadata.resourceVersion}`)
      return watching.status === 200 ? watching : undefined
    })
    expect(await late.next()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
    const anew = (await second.call('GET', `${pools}?resourceVersion=0`)).body
    expect(anew.items.map((i: any) => i.metadata.name)).toEqual(['a', 'b'])
  })
})
