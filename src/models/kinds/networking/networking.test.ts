import { describe, expect, test } from 'vitest'
import { Ingress, IngressClass, NetworkPolicy } from '../index.ts'
import { refusals } from '../testing.ts'

// What kube-apiserver 1.32 answers to the same bodies.

const service = { name: 's', port: { number: 80 } }
const path = (more: object) => ({
  spec: { rules: [{ http: { paths: [{ path: '/', backend: { service }, ...more }] } }] },
})
const at = 'spec.rules[0].http.paths[0]'
const backend = (more: object) => ({ spec: { defaultBackend: more } })
const parameters = (more: object) => ({
  spec: { controller: 'x.io/y', parameters: { kind: 'K', name: 'n', ...more } },
})
const ports = (port: object) => ({ spec: { podSelector: {}, ingress: [{ ports: [port] }] } })
const label = 'a lowercase RFC 1123 label must consist of'

describe('a create is refused', () => {
  test.each<[any, object, (string | RegExp)[]]>([
    [Ingress, path({}), [`${at}.pathType: Required value: pathType must be specified`]],
    [
      Ingress,
      path({ pathType: 'Near' }),
      [`${at}.pathType: Unsupported value: "Near": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    [Ingress, backend({}), ['spec.defaultBackend: Invalid value: "": resource or service backend is required']],
    [
      Ingress,
      backend({ service: { name: 's', port: { name: 'a', number: 1 } } }),
      ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number'],
    ],
    [
      Ingress,
      backend({ service: { name: 's' } }),
      ['spec.defaultBackend: Required value: port name or number is required'],
    ],
    [
      Ingress,
      backend({ resource: {} }),
      [
        'spec.defaultBackend.resource.kind: Required value: kind is required',
        'spec.defaultBackend.resource.name: Required value: name is required',
      ],
    ],
    [
      Ingress,
      { spec: { ...backend({ service }).spec, tls: [{ secretName: 'No!' }] } },
      [/^spec\.tls\[0\]\.secretName: Invalid value: "No!": a lowercase RFC 1123 subdomain must consist of/],
    ],
    [
      IngressClass,
      { spec: { controller: 'me' } },
      ['spec.controller: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      IngressClass,
      parameters({ scope: 'Namespace', namespace: 'No!' }),
      [new RegExp(`^spec\\.parameters\\.namespace: Invalid value: "No!": ${label}`)],
    ],
    [
      NetworkPolicy,
      ports({ port: 'http', endPort: 9 }),
      ['spec.ingress[0].ports[0].endPort: Invalid value: 9: may not be specified when `port` is non-numeric'],
    ],
    [
      NetworkPolicy,
      ports({ port: 80, protocol: 'ICMP' }),
      ['spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"'],
    ],
  ])('$kind %j', (kind, object, expected) => {
    const told = refusals(kind, object)
    expect(told).toHaveLength(expected.length)
    for (const [i, text] of expected.entries()) expect(told[i]).toMatch(text)
  })
})

test('the address that an Ingress is reached at is one', () => {
  const status = { loadBalancer: { ingress: [{ ip: 'x' }, { hostname: '10.0.0.1' }, { ip: '10.0.0.1' }] } }
  expect(Ingress.validatePart!('status', { status } as any, {} as any).map(e => `${e.field}: ${e.message}`)).toEqual([
    'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    'status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
  ])
})
