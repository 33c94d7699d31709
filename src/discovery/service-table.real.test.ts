import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemCommands } from '../base/commands.ts'
import { difference, wholeTable } from '../base/nft-table.ts'
import { emptyRules, type RuleSet } from './rule-set.ts'
import { planServiceRules } from './service-rules.ts'
import { serviceTableOf } from './service-table.ts'

const whole = (table: string, rules: RuleSet) => wholeTable(table, serviceTableOf(rules)).join('\n')
const change = (table: string, from: RuleSet, to: RuleSet) =>
  difference(table, serviceTableOf(from), serviceTableOf(to)).join('\n')

const able = process.getuid?.() === 0
const ns = `of-nft-${process.pid}`
const inside = (file: string, args: string[], stdin = '') =>
  systemCommands.run('nsenter', [`--net=/run/netns/${ns}`, file, ...args], { stdin, allowFailure: true })

describe.skipIf(!able)('service rules in the kernel (needs root)', () => {
  beforeAll(() => {
    execFileSync('ip', ['netns', 'add', ns])
    execFileSync('nsenter', [`--net=/run/netns/${ns}`, 'ip', 'link', 'set', 'lo', 'up'])
    execFileSync('nsenter', [`--net=/run/netns/${ns}`, 'ip', 'addr', 'add', '10.244.0.5/32', 'dev', 'lo'])
    // Something must route the cluster IP for a local process; on a node that is its default route.
    execFileSync('nsenter', [`--net=/run/netns/${ns}`, 'ip', 'route', 'add', 'default', 'dev', 'lo'])
  })
  afterAll(() => {
    execFileSync('ip', ['netns', 'del', ns])
  })

  const rules = (ready: boolean, affinity = 'None', more: object = {}) =>
    planServiceRules({
      nodeName: 'n1',
      podCidrs: ['10.244.0.0/16'],
      services: [
        {
          metadata: { name: 'web', namespace: 'default' },
          spec: {
            clusterIP: '10.96.0.7',
            sessionAffinity: affinity,
            ...more,
            ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }],
          },
        } as any,
      ],
      slices: [
        {
          metadata: { name: 'w', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
          addressType: 'IPv4',
          ports: [{ port: 8080, protocol: 'TCP' }],
          endpoints: [{ addresses: ['10.244.0.5'], conditions: { ready } }],
        } as any,
      ],
    })

  const server = `require('http').createServer((q, s) => s.end('hello')).listen(8080, '10.244.0.5', () => console.log('up'))`
  const client = (url: string) =>
    inside(process.execPath, [
      '-e',
      `require('http').get('${url}', r => r.on('data', d => process.stdout.write(d))).on('error', e => { process.stdout.write(e.code) })`,
    ])

  test('a cluster IP and a node port lead to the endpoint, and without one the connection is refused at once', async () => {
    const child = systemCommands.spawn('nsenter', [`--net=/run/netns/${ns}`, process.execPath, '-e', server], {
      onLine: line => line === 'up' && up(),
    })
    let up = () => {}
    await new Promise<void>(resolve => {
      up = resolve
    })
    try {
      const first = await inside('nft', ['-f', '-'], whole('optiflow-services', rules(true)))
      expect(first).toMatchObject({ code: 0, stderr: '' })
      expect((await client('http://10.96.0.7/')).stdout).toBe('hello')
      expect((await client('http://10.244.0.5:30080/')).stdout).toBe('hello')

      const sticky = await inside('nft', ['-f', '-'], change('optiflow-services', rules(true), rules(true, 'ClientIP')))
      expect(sticky).toMatchObject({ code: 0, stderr: '' })
      expect((await client('http://10.96.0.7/')).stdout).toBe('hello')

      const kept = {
        ...{ type: 'LoadBalancer', externalTrafficPolicy: 'Local' },
        ...{ externalIPs: ['203.0.113.9'], loadBalancerSourceRanges: ['192.0.2.0/24'] },
      }
      const local = rules(true, 'ClientIP', kept)
      const written = await inside('nft', ['-f', '-'], change('optiflow-services', rules(true, 'ClientIP'), local))
      expect(written).toMatchObject({ code: 0, stderr: '' })
      // The endpoint is on no node; the node itself is inside all the same.
      expect((await client('http://10.244.0.5:30080/')).stdout).toBe('hello')
      expect((await client('http://203.0.113.9/')).stdout).toBe('hello')
      await inside('nft', ['-f', '-'], change('optiflow-services', local, rules(true, 'ClientIP')))

      const gone = await inside('nft', ['-f', '-'], change('optiflow-services', rules(true, 'ClientIP'), rules(false)))
      expect(gone).toMatchObject({ code: 0, stderr: '' })
      expect((await client('http://10.96.0.7/')).stdout).toBe('ECONNREFUSED')

      const empty = await inside('nft', ['-f', '-'], change('optiflow-services', rules(false), emptyRules()))
      expect(empty).toMatchObject({ code: 0, stderr: '' })
      const left = await inside('nft', ['list', 'table', 'ip', 'optiflow-services'])
      expect(left.stdout).not.toMatch(/svc-|ep-|sticky-|10\.96/)
    } finally {
      child.kill('SIGKILL')
      await child.exited
    }
  })

  test('the kernel takes every change in both families and all protocols, and nothing of it stays', async () => {
    const ports = ['TCP', 'UDP', 'SCTP'].map((protocol, i) => ({
      name: protocol,
      port: 80,
      protocol,
      nodePort: 30080 + i,
    }))
    for (const [family, net] of [
      ['ip', '10.244.0.'],
      ['ip6', 'fd00:244::'],
    ] as const) {
      const address = family === 'ip' ? '10.96.0.7' : 'fd00:96::7'
      const of = (count: number, more: object = {}) =>
        planServiceRules({
          ...{ family, nodeName: 'n1', podCidrs: ['10.244.0.0/16', 'fd00:244::/56'] },
          services: [
            {
              metadata: { name: 'web', namespace: 'default' },
              spec: { clusterIP: address, externalIPs: ['192.0.2.9', '2001:db8::9'], ports, ...more },
            } as any,
          ],
          slices: [
            {
              metadata: { name: 'w', namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
              addressType: family === 'ip' ? 'IPv4' : 'IPv6',
              ports: ports.map(({ name, protocol }) => ({ name, port: 8080, protocol })),
              endpoints: Array.from({ length: count }, (_, i) => ({
                ...{ addresses: [`${net}${i + 1}`], nodeName: i ? 'n2' : 'n1', conditions: { ready: true } },
              })),
            } as any,
          ],
        })
      const local = { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }
      const states = [of(1), of(2), of(3, local), of(2, { sessionAffinity: 'ClientIP' }), of(0), of(4), emptyRules()]
      const tables = states.map(state => serviceTableOf(state, family))
      const scripts = [
        wholeTable('t', tables[0]!, family),
        ...tables.slice(1).map((table, i) => difference('t', tables[i]!, table, family)),
      ]
      for (const script of scripts)
        expect(await inside('nft', ['-f', '-'], script.join('\n'))).toMatchObject({ code: 0, stderr: '' })
      const left = await inside('nft', ['list', 'table', family, 't'])
      expect(left.stdout).not.toMatch(/elements|(to|here|ext|kept)-\d/)
    }
  })
})
