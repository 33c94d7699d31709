import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/processes.ts'
import { CalicoNodes, given, kernelHasIpip, long, manifestText, obstacle, runsBird, withTypha } from './calico-nodes.ts'

/*
 * The manifest as Calico publishes it, by plain `kubectl apply -f`, as on any other Kubernetes: nothing of ours but the nodes. Manifests
 * with BGP and IPIP: where the kernel or BIRD cannot do IPIP, that one setting is "Never", as Calico's own documentation has it.
 */
const ipip = /name: CALICO_IPV4POOL_IPIP\s+value: "Always"/
const wantsBird = /calico_backend: "?bird/.test(manifestText)
const why = obstacle ?? (wantsBird && !runsBird ? 'the manifest uses BIRD, and CALICO_BIN has none' : undefined)
const changed = ipip.test(manifestText) && !(given.images && kernelHasIpip)
const crossSubnet = /name: CALICO_IPV4POOL_VXLAN\s+value: "CrossSubnet"/.test(manifestText)

describe.skipIf(why)(
  `kubectl apply of Calico's ${changed ? 'manifest without IPIP' : 'unmodified manifest'}${why ? ` (skipped: ${why})` : ''}`,
  () => {
    let nodes: CalicoNodes
    let file: string
    const n1 = () => nodes.n1
    const pods = '192.168.0.0/16'
    const condition = async (name: string, type: string) =>
      (await n1().get('node', name)).status.conditions.find((c: any) => c.type === type)
    const taints = async (name: string) => ((await n1().get('node', name)).spec.taints ?? []).map((t: any) => t.key)

    beforeAll(async () => {
      // VXLAN across subnets is there to be seen when each node is on a network of its own.
      nodes = await CalicoNodes.start({ apart: crossSubnet })
      file = changed
        ? await nodes.file(
            'manifest.yaml',
            manifestText.replace(ipip, found => found.replace('Always', 'Never')),
          )
        : given.manifest
    }, 600_000)
    afterAll(() => nodes?.[Symbol.asyncDispose]())

    it('before it, nodes are not ready and say that they wait for a network plugin', async () => {
      for (const name of ['n1', 'n2']) {
        const ready = await until('the condition', () => condition(name, 'Ready'))
        expect(ready).toMatchObject({ status: 'False', reason: 'KubeletNotReady' })
        expect(ready.message).toBe(
          'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady ' +
            'message:Network plugin returns error: cni plugin not initialized',
        )
        await until('the taint', async () => (await taints(name)).includes('node.kubernetes.io/not-ready'))
      }
    })

    it('after it, calico-node and the controllers are ready, and nodes too, without their taint', async () => {
      nodes.tellMore()
      await n1().kubectl('apply', '-f', file)
      await nodes.settled()
      for (const name of ['n1', 'n2']) {
        await until('no taint', async () => (await taints(name)).length === 0, long)
        expect(await condition(name, 'NetworkUnavailable')).toMatchObject({ status: 'False', reason: 'CalicoIsUp' })
      }
      if (withTypha) await n1().kubectl('rollout', 'status', 'deployment/calico-typha', '-n', 'kube-system')
      await until('a healthy status', async () => (await nodes.calico('status')).code === 0, long)
    }, 700_000)

    it('applied again it changes nothing', async () => {
      // kubectl says "configured" of what has a field that no API server keeps (preserveUnknownFields: false), here as anywhere.
      const versions = async () => {
        const { items } = await n1().get('crd,daemonsets,deployments,poddisruptionbudgets,serviceaccounts', '-A')
        return items.map(({ kind, metadata }: any) => [
          kind,
          metadata.name,
          metadata.generation ?? metadata.resourceVersion,
        ])
      }
      const before = await versions()
      await n1().kubectl('apply', '-f', file)
      expect(await versions()).toEqual(before)
    })

    it('pods of both nodes reach each other, in packets of full size', async () => {
      await nodes.deploy('web', 'client')
      const client = await nodes.pod('client', 'n1')
      const far = await nodes.pod('web', 'n2')
      expect(far.status.podIP).toMatch(/^192\.168\./)
      await until('an answer from the other node', () => nodes.reaches(client.metadata.name, far.status.podIP))
      await nodes.fullSizeArrives(client, far.status.podIP)
    }, 300_000)

    it.skipIf(!crossSubnet)('between two subnets they travel in VXLAN', async () => {
      const routes = await n1().machine.ok('ip', ['route'])
      expect(routes).toMatch(/^192\.168\.\d+\.\d+\/26 via 192\.168\.\S+ dev vxlan\.calico/m)
    })

    it('a Service and the names of the cluster are there', async () => {
      await n1().kubectl('expose', 'deployment', 'web', '--port=80', '--target-port=8080')
      const client = (await nodes.pod('client', 'n2')).metadata.name
      const inside = (...command: string[]) => n1().kubectlRun(['exec', client, '--', ...command])
      await until('its name', async () => (await inside('nslookup', 'web.default.svc.cluster.local')).code === 0, long)
      const { out } = await inside('nslookup', 'web.default.svc.cluster.local')
      const { spec } = await n1().get('service', 'web')
      expect(out).toContain(spec.clusterIP)
      await until(
        'its page',
        async () => (await inside('timeout', '2', 'wget', '-qO-', `http://${spec.clusterIP}/`)).code === 0,
      )
    }, 300_000)

    it('policies are held to', () => nodes.holdToPolicies(), 300_000)

    it('kubectl delete of it and clean-host leave no rule, set, link, route or file', async () => {
      await n1().kubectl('delete', 'deployment', 'web', 'client')
      await until('their end', async () => (await n1().get('pods')).items.length === 0, long)
      await n1().machine.ok('kubectl', ['delete', '-f', file, '--timeout=100s'], {
        env: { PATH: process.env['PATH'], HOME: nodes.scratch, KUBECONFIG: n1().kubeconfig },
        ...long,
      })
      for (const parts of nodes.both) expect((await nodes.onMachine(parts, 'clean-host')).err).toBe('')
      expect(await nodes.remains(pods)).toEqual([])
    }, 300_000)

    it('and the nodes, when they are taken down, no process, mount, link or table', async () => {
      expect(await nodes.end()).toEqual([{}, {}])
    }, 120_000)
  },
)
