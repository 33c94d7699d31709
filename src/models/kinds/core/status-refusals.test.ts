import { expect, test } from 'vitest'
import { Pod, ReplicationController, Service } from '../index.ts'
import { admitted } from '../testing.ts'

const kinds = { Pod, ReplicationController, Service }
const bodies = {
  Pod: { spec: { containers: [{ name: 'c', image: 'i' }] } },
  ReplicationController: { spec: { selector: { a: 'b' }, template: { metadata: { labels: { a: 'b' } } } } },
  Service: { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } },
}
const notIP = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'

// Each row is what a kube-apiserver 1.32.13 answered to such a status.
test.each<[kind: keyof typeof kinds, status: object, causes: string[]]>([
  ['Pod', { podIPs: [{ ip: 'x' }] }, [`status.podIPs[0]: Invalid value: "x": ${notIP}`]],
  [
    'Pod',
    { podIPs: [{ ip: '10.1.1.1' }, { ip: 'fd00::1' }, { ip: '10.1.1.1' }] },
    [
      'status.podIPs: Invalid value: []core.PodIP{core.PodIP{IP:"10.1.1.1"}, core.PodIP{IP:"fd00::1"}, core.PodIP{IP:"10.1.1.1"}}: may specify no more than one IP for each IP family',
      'status.podIPs[2]: Duplicate value: core.PodIP{IP:"10.1.1.1"}',
    ],
  ],
  [
    'Pod',
    { hostIPs: [{ ip: '1.2.3.4' }] },
    ['status.hostIPs[0].ip: Invalid value: "1.2.3.4": must be equal to `hostIP`'],
  ],
  ['Pod', { qosClass: 'Guaranteed' }, ['status.qosClass: Invalid value: "Guaranteed": field is immutable']],
  [
    'Pod',
    { conditions: [{ type: 'a b' }] },
    [
      "metadata.conditions[0].Type: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [
    'ReplicationController',
    { replicas: 1, readyReplicas: 2, availableReplicas: -1 },
    [
      'status.availableReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    ],
  ],
  [
    'Service',
    {
      loadBalancer: {
        ingress: [
          { ip: '1.2.3.4', ipMode: '' },
          { hostname: 'a.b', ipMode: 'VIP' },
        ],
      },
    },
    [
      'status.loadBalancer.ingress[0].ipMode: Unsupported value: "": supported values: "Proxy", "VIP"',
      'status.loadBalancer.ingress[1].ipMode: Forbidden: may not be specified when `ip` is not set',
    ],
  ],
])('a status of a %s that says %j is refused as Kubernetes refuses it', (name, status, causes) => {
  const kind = kinds[name]
  const previous = admitted(kind, bodies[name])
  const next = { ...structuredClone(previous), status }
  expect(kind.validatePart!('status', next, previous).map(e => `${e.field}: ${e.message}`)).toEqual(causes)
})
