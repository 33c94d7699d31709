import { describe, expect, it } from 'vitest'
import type { Pod } from '../models/kinds/index.ts'
import { type LedPod, planHostPorts, tableOfHostPorts, udpTargets } from './host-port-rules.ts'

const pod = (
  name: string,
  ports: object[],
  more: { spec?: object; phase?: string; created?: string } = {},
): LedPod => ({
  pod: {
    metadata: { name, namespace: 'default', creationTimestamp: more.created ?? '2026-01-01T00:00:00Z' },
    spec: { containers: [{ name: 'c', image: 'c', ports }], ...more.spec },
    status: { phase: more.phase ?? 'Running' },
  } as Pod,
  ips: [`10.244.0.${name}`, `fd00::${name}`],
})
const port = (hostPort: number, more: object = {}) => ({ containerPort: 80, hostPort, ...more })
const plan = (...pods: LedPod[]) => planHostPorts(pods, 'ip')

describe('host ports', () => {
  it('are at every address of both families unless they name one', () => {
    const led = pod('5', [
      port(8080),
      port(8080, { protocol: 'UDP', hostIP: '10.0.0.11' }),
      port(8081, { hostIP: 'fd00::11' }),
      port(8082, { hostIP: '0.0.0.0', protocol: 'SCTP' }),
      port(8083, { hostIP: '::' }),
      { containerPort: 9000 },
    ])
    expect(planHostPorts([led], 'ip')).toEqual({
      anywhere: new Map([
        ['tcp . 8080', '10.244.0.5 . 80'],
        ['sctp . 8082', '10.244.0.5 . 80'],
      ]),
      atAddress: new Map([['10.0.0.11 . udp . 8080', '10.244.0.5 . 80']]),
      hairpins: new Set(['10.244.0.5 . 10.244.0.5']),
    })
    expect(planHostPorts([led], 'ip6')).toEqual({
      anywhere: new Map([
        ['tcp . 8080', 'fd00::5 . 80'],
        ['tcp . 8083', 'fd00::5 . 80'],
      ]),
      atAddress: new Map([['fd00::11 . tcp . 8081', 'fd00::5 . 80']]),
      hairpins: new Set(['fd00::5 . fd00::5']),
    })
  })

  it('may be shared where address or protocol differ; of two that clash the older pod has it', () => {
    const planned = plan(
      pod('6', [port(8080)], { created: '2026-01-01T00:00:02Z' }),
      pod('5', [port(8080)], { created: '2026-01-01T00:00:01Z' }),
      pod('7', [port(8080, { protocol: 'UDP' })]),
      pod('8', [port(8080, { hostIP: '127.0.0.1' })]),
    )
    expect([...planned.anywhere, ...planned.atAddress]).toEqual([
      ['udp . 8080', '10.244.0.7 . 80'],
      ['tcp . 8080', '10.244.0.5 . 80'],
      ['127.0.0.1 . tcp . 8080', '10.244.0.8 . 80'],
    ])
  })

  it('are none of pods that are over, have no address yet, or are on the node’s own network', () => {
    const planned = plan(
      pod('5', [port(1)], { phase: 'Succeeded' }),
      pod('6', [port(2)], { phase: 'Failed' }),
      pod('7', [port(3)], { spec: { hostNetwork: true } }),
      { ...pod('8', [port(4)]), ips: [] },
    )
    expect(tableOfHostPorts(planned, 'ip', '10.96.0.10')).toEqual({
      sets: new Map(),
      maps: new Map(),
      chains: new Map(),
    })
  })

  it('tell where UDP goes', () => {
    const udp = { protocol: 'UDP' }
    expect(udpTargets(plan(pod('5', [port(53, udp), port(80), port(54, { ...udp, hostIP: '10.0.0.11' })])))).toEqual(
      new Map([
        ['* 53', new Set(['10.244.0.5:80'])],
        ['10.0.0.11 54', new Set(['10.244.0.5:80'])],
      ]),
    )
  })
})
