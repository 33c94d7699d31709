import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, type Transport } from '../../src/client/index.ts'
import { explainConnection } from '../../src/network/explain/explain.ts'
import { endOf } from '../../src/network/explain/gather.ts'
import { openApiDatastore, readPolicyWorld } from '../../src/network/index.ts'
import { isReady } from '../support/parts.ts'
import { until } from '../support/processes.ts'
import { CalicoNodes, long, obstacle, withTypha } from './calico-nodes.ts'
import {
  ofTrial,
  randomPolicies,
  type TrialPod,
  trialAccounts,
  trialNamespaces,
  trialPods,
  trialPorts,
} from './random-policies.ts'

/*
 * What Felix lets through, against what `optiflow why connection` says of the same connections: policies of all kinds by chance, six
 * pods, two ports, all pairs. CALICO_SEEDS names other seeds than these ("7,8,9").
 */
const seeds = (process.env['CALICO_SEEDS'] ?? '1,2,3,4,5,6,7,8,9,10,11,12').split(',').map(Number)
const why = obstacle ?? (withTypha ? 'once is enough: by the manifest without Typha' : undefined)

describe.skipIf(why)(`what is said of policies and what Felix does${why ? ` (skipped: ${why})` : ''}`, () => {
  let nodes: CalicoNodes
  let ips: Record<string, string>
  const n1 = () => nodes.n1

  beforeAll(async () => {
    nodes = await CalicoNodes.start()
    await nodes.install('vxlan')
    await nodes.settled()
    await n1().apply(
      ...Object.entries(trialNamespaces).flatMap(([name, labels]) => [
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
        ...Object.entries(trialAccounts).map(([account, marks]) => ({
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: account, namespace: name, labels: marks },
        })),
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'web', namespace: name },
          spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
        },
      ]),
      ...trialPods.map(podOf),
    )
    const found = await until(
      'all pods',
      async () => {
        const { items } = await n1().get('pods', '-A', '-l', 'app')
        return items.length === trialPods.length && items.every(isReady) ? items : undefined
      },
      long,
    )
    ips = Object.fromEntries(found.map((pod: any) => [pod.metadata.name, pod.status.podIP]))
  }, 900_000)
  afterAll(() => nodes?.[Symbol.asyncDispose]())

  it.each(seeds)(
    'of policies by chance, seed %i',
    async seed => {
      nodes.tellMore()
      await forget()
      const objects = randomPolicies(seed, ips)
      await n1().apply(...objects)
      const said = await foretold()
      let seen: string[] = []
      try {
        await until(
          'Felix to do as we say, twice',
          async () => {
            seen = await measured()
            return same(seen, said) && same(await measured(), said)
          },
          long,
        )
      } catch {
        // Shown with the policies: the rest follows from the seed.
        expect({ open: seen, objects }).toEqual({ open: said, objects })
      }
      // The command says the same, in its own way to the API.
      const [from, to] = [trialPods[seed % 6]!, trialPods[(seed + 1) % 6]!]
      const question = [`${from.namespace}/${from.name}`, `${to.namespace}/${to.name}:8080`]
      const { allowed } = JSON.parse(await n1().optiflow('why', 'connection', ...question, '-o', 'json'))
      expect(allowed).toBe(said.includes(line(from, to, 8080)))
    },
    300_000,
  )

  it('trials are no trials where all is open, or nothing', () => {
    expect(shares.filter(share => share > 0.05 && share < 0.95).length).toBeGreaterThan(seeds.length / 2)
  })

  const shares: number[] = []
  const line = (from: TrialPod, to: TrialPod, port: number) => `${from.name} → ${to.name}:${port}`
  const same = (a: string[], b: string[]) => a.join() === b.join()
  const pairs = trialPods.flatMap(from =>
    trialPods.flatMap(to => (from === to ? [] : Object.values(trialPorts).map(port => ({ from, to, port })))),
  )

  /** Connections that may be, by our own explanation. */
  async function foretold(): Promise<string[]> {
    const client = createClient(byKubectl())
    const world = await readPolicyWorld(client, openApiDatastore(client), [])
    const end = ({ name, namespace }: TrialPod) =>
      endOf(world.pods.find(p => p.metadata.name === name && p.metadata.namespace === namespace)!)
    const open = pairs.filter(
      ({ from, to, port }) => explainConnection(world, { from: end(from), to: end(to), port, protocol: 'TCP' }).allowed,
    )
    shares.push(open.length / pairs.length)
    return open.map(({ from, to, port }) => line(from, to, port))
  }

  /** Connections that come about: each pod asks all others at once. */
  async function measured(): Promise<string[]> {
    const asked = await Promise.all(
      trialPods.map(async from => {
        const own = pairs.filter(pair => pair.from === from)
        const tries = own.map(({ to, port }) => {
          const wget = `timeout 2 wget -qO /dev/null http://${ips[to.name]}:${port}/ 2>/dev/null`
          return `(${wget} && echo "${line(from, to, port)}") &`
        })
        const shell = ['sh', '-c', `${tries.join(' ')} wait`]
        return (await n1().kubectl('exec', '-n', from.namespace, from.name, '--', ...shell)).trim().split('\n')
      }),
    )
    const open = new Set(asked.flat())
    return pairs.map(({ from, to, port }) => line(from, to, port)).filter(text => open.has(text))
  }

  async function forget(): Promise<void> {
    const crd = (...plurals: string[]) => plurals.map(plural => `${plural}.crd.projectcalico.org`)
    const policies = [
      ...crd('globalnetworkpolicies', 'networkpolicies', 'globalnetworksets', 'networksets'),
      'networkpolicies.networking.k8s.io',
      'clusternetworkpolicies.policy.networking.k8s.io',
    ]
    const label = `trial=${ofTrial.trial}`
    for (const kinds of [policies, crd('tiers')]) await n1().kubectl('delete', kinds.join(), '-A', '-l', label)
  }

  /** The API as kubectl on the first machine reaches it: this process is in another network. Reads only. */
  function byKubectl(): Transport {
    return {
      async send({ url }) {
        const { code, out, err } = await n1().kubectlRun(['get', '--raw', url])
        if (code === 0) return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(out) }
        const status = {
          kind: 'Status',
          apiVersion: 'v1',
          status: 'Failure',
          reason: 'NotFound',
          message: err,
          code: 404,
        }
        return {
          status: 404,
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(JSON.stringify(status)),
        }
      },
      async [Symbol.asyncDispose]() {},
    }
  }

  function podOf({ name, namespace, account, labels }: TrialPod, i: number): object {
    const [http, admin] = Object.values(trialPorts)
    const serve = `mkdir -p /www; echo ${name} > /www/index.html; httpd -p ${http} -h /www; exec httpd -f -p ${admin} -h /www`
    const ports = Object.entries(trialPorts).map(([port, containerPort]) => ({ name: port, containerPort }))
    const container = { name: 'c', image: 'registry.test/web:1', command: ['sh', '-c', serve], ports }
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels },
      spec: {
        nodeName: i % 2 ? 'n2' : 'n1',
        serviceAccountName: account,
        terminationGracePeriodSeconds: 0,
        containers: [container],
      },
    }
  }
})
