import { expect, test } from 'vitest'
import { CommandMissing, type Commands } from '../base/commands.ts'
import { silentLogger } from '../base/logger.ts'
import { UdpFlows } from '../base/udp-flows.ts'
import { emptyRules, type RuleSet, targetsOf } from './rule-set.ts'
import { udpTargets } from './udp-targets.ts'

function rules(...endpoints: string[]): RuleSet {
  const out = emptyRules()
  if (endpoints.length) out.clusterIps.set('10.96.0.10 . udp . 53', 'goto svc-dns')
  if (endpoints.length) out.nodePorts.set('udp . 30053', 'goto ext-dns')
  out.clusterIps.set('10.96.0.10 . tcp . 53', 'goto svc-tcp')
  out.chains.set('svc-tcp', ['meta l4proto tcp dnat to 10.244.0.9:53'])
  out.chains.set('ext-dns', ['meta mark set meta mark or 0x4000', 'goto svc-dns'])
  out.chains.set('svc-dns', [
    `numgen random mod 2 vmap { ${endpoints.map((e, i) => `${i} : goto ep-${e}`).join(', ')} }`,
  ])
  for (const endpoint of endpoints)
    out.chains.set(`ep-${endpoint}`, [`meta l4proto udp dnat to 10.244.0.${endpoint}:53`])
  return out
}

const moved = (flows: UdpFlows, before: RuleSet, after: RuleSet) => flows.moved(udpTargets(before), udpTargets(after))

function recorded() {
  const asked: string[] = []
  const commands = {
    run: async (_file: string, args: string[]) => {
      asked.push(args.slice(5).join(' '))
      return { code: 1, stdout: '', stderr: '' }
    },
  } as unknown as Commands
  return { asked, flows: new UdpFlows(commands, silentLogger) }
}

test('rules tell where UDP packets go in the end', () => {
  const ends = new Set(['10.244.0.5:53', '10.244.0.6:53'])
  expect(udpTargets(rules('5', '6'))).toEqual(
    new Map([
      ['10.96.0.10 53', ends],
      ['* 30053', ends],
    ]),
  )
})

test('rules tell it by lot too, of a Service that remembers nobody', () => {
  const out = emptyRules()
  out.clusterIps.set('10.96.0.10 . udp . 53', 'goto to-2')
  for (const [map, key] of [
    ['to-udp', '10.96.0.10 . 53'],
    ['port-here-udp', '30053'],
    ['to-tcp', '10.96.0.10 . 53'],
  ] as const)
    for (const i of [0, 1]) targetsOf(out, map).set(`${key} . ${i}`, `10.244.0.${i} . 53`)
  const ends = new Set(['10.244.0.0:53', '10.244.0.1:53'])
  expect(udpTargets(out)).toEqual(
    new Map([
      ['10.96.0.10 53', ends],
      ['* 30053', ends],
    ]),
  )
})

test('flows to an endpoint that is gone are ended, and those of a Service that had none', async () => {
  const { asked, flows } = recorded()
  await moved(flows, rules('5', '6'), rules('6', '7'))
  expect(asked.splice(0)).toEqual([
    '--orig-dst 10.96.0.10 --dport 53 --dst-nat 10.244.0.5',
    '--dport 30053 --dst-nat 10.244.0.5',
  ])
  await moved(flows, rules('6', '7'), rules())
  expect(asked.splice(0)).toHaveLength(4)
  await moved(flows, rules(), rules('8'))
  expect(asked.splice(0)).toEqual(['--orig-dst 10.96.0.10 --dport 53', '--dport 30053'])
  await moved(flows, rules('8'), rules('8'))
  expect(asked).toEqual([])
})

test('without conntrack everything else goes on', async () => {
  const commands = {
    run: async () => {
      throw new CommandMissing('conntrack')
    },
  } as unknown as Commands
  const flows = new UdpFlows(commands, silentLogger)
  await expect(moved(flows, rules('5'), rules('6'))).resolves.toBeUndefined()
})
