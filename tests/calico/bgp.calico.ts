import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/processes.ts'
import { CalicoNodes, given, kernelHasIpip, long, obstacle, podNetwork, runsBird } from './calico-nodes.ts'

/*
 * Calico by its own default: BIRD of each node tells the others its blocks by BGP. Without encapsulation where any BIRD is given;
 * with IPIP where the kernel has it and the images are Calico's own, whose BIRD alone can route into a tunnel.
 */
const lacking = obstacle ?? (runsBird ? undefined : 'the manifest uses no BIRD, or CALICO_BIN has none')
const ipipLacking = lacking ?? (kernelHasIpip ? undefined : 'this kernel has no ipip')

describe.each([
  ['none', 'without encapsulation', lacking],
  ['ipip', 'in IPIP', ipipLacking ?? (given.images ? undefined : "not with another's BIRD")],
] as const)('Calico with BGP (%s)', (encapsulation, how, why) => {
  describe.skipIf(why)(why ? `skipped: ${why}` : 'on two nodes', () => {
    let nodes: CalicoNodes
    const n1 = () => nodes.n1
    const routes = (of = nodes.n1) => of.machine.ok('ip', ['route'])

    beforeAll(async () => {
      nodes = await CalicoNodes.start()
    }, 600_000)
    afterAll(() => nodes?.[Symbol.asyncDispose]())

    it('install makes both nodes ready, BIRD with them', async () => {
      nodes.tellMore()
      await nodes.install(encapsulation)
      await nodes.settled()
    }, 700_000)

    it('status shows the session of each node with the other', async () => {
      const { out } = await until(
        'both sessions',
        async () => {
          const said = await nodes.calico('status')
          return said.code === 0 ? said : undefined
        },
        long,
      )
      expect(out).toMatch(/^n1 .* 1 of 1 up/m)
      expect(out).toMatch(/^n2 .* 1 of 1 up/m)
    }, 240_000)

    it(`pods of both nodes reach each other ${how}, in packets of full size`, async () => {
      await nodes.deploy('web', 'client')
      const device = encapsulation === 'ipip' ? 'tunl0' : 'eth0'
      const wanted = new RegExp(`^10\\.240\\.\\d+\\.\\d+/26 via 10\\.77\\.0\\.12 dev ${device} proto bird`, 'm')
      await until('the route to the other node', async () => wanted.test(await routes()))
      expect(await n1().machine.ok('ip', ['-o', 'link'])).not.toContain('vxlan.calico')
      const client = await nodes.pod('client', 'n1')
      const far = await nodes.pod('web', 'n2')
      await until('an answer from the other node', () => nodes.reaches(client.metadata.name, far.status.podIP))
      const mtu = await nodes.fullSizeArrives(client, far.status.podIP)
      const outer = Number(/mtu (\d+)/.exec(await n1().machine.ok('ip', ['link', 'show', 'eth0']))![1])
      expect(outer - mtu).toBe(encapsulation === 'ipip' ? 20 : 0)
    }, 300_000)

    it('policies are held to', () => nodes.holdToPolicies(), 300_000)

    it('a peer that is none is told of, until it is taken out', async () => {
      await n1().optiflow('calico', 'bgp', 'peer', 'create', 'tor', '--peer-ip', '10.77.0.1', '--as-number', '64513')
      const { out } = await until(
        'a peer that is down',
        async () => {
          const said = await nodes.calico('status')
          return said.out.includes('10.77.0.1') ? said : undefined
        },
        long,
      )
      expect(out).toMatch(/✖ n1: BGP with 10\.77\.0\.1 .* is (Active|Connect|Start)/)
      await n1().optiflow('calico', 'bgp', 'peer', 'delete', 'tor')
      await until('a healthy status', async () => (await nodes.calico('status')).code === 0, long)
    }, 500_000)

    it('uninstall and clean-host leave no rule, set, link, route or file', async () => {
      await n1().kubectl('delete', 'deployment', 'web', 'client')
      await until('their end', async () => (await n1().get('pods')).items.length === 0, long)
      await n1().optiflow('calico', 'uninstall', '--force', '--node-name', 'n1')
      for (const parts of nodes.both) {
        const { out, err } = await nodes.onMachine(parts, 'clean-host')
        expect(err, out).toBe('')
      }
      expect(await nodes.remains(podNetwork)).toEqual([])
    }, 300_000)

    it('and the nodes, when they are taken down, no process, mount, link or table', async () => {
      expect(await nodes.end()).toEqual([{}, {}])
    }, 120_000)
  })
})
