import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ApiError } from '../api-error.ts'
import { builtinKinds } from '../kinds/index.ts'
import { decode, typeNamed } from '../schema/index.ts'
import { arbitraryObject } from '../testing/arbitrary.ts'
import { decodeProtobuf, encodeProtobuf, hasProtobuf, protobufWatchFrame, schemaNameOf } from './index.ts'
import { WireReader } from './wire.ts'

/** The bytes of one length-delimited field. */
function field(id: number, inner: readonly number[]): number[] {
  return [...varint(id * 8 + 2), ...varint(inner.length), ...inner]
}
const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) | 0x80, ...varint(Math.floor(n / 128))])
const text = (value: string) => [...new TextEncoder().encode(value)]
const envelope = (apiVersion: string, kind: string, raw: readonly number[]) =>
  Uint8Array.from([
    ...[0x6b, 0x38, 0x73, 0],
    ...field(1, [...field(1, text(apiVersion)), ...field(2, text(kind))]),
    ...field(2, raw),
  ])
const hex = (text: string) => Uint8Array.from(text.match(/../g)!.map(byte => Number.parseInt(byte, 16)))

describe('protobuf', () => {
  // A Namespace as kubectl 1.32 sends it: every field that is no pointer is written, empty or not.
  const metadata = field(1, [...field(1, text('ap')), 0x12, 0, 0x1a, 0, 0x22, 0, 0x2a, 0, 0x32, 0, 0x38, 0, 0x42, 0])
  const namespace = envelope('v1', 'Namespace', [...metadata, ...field(2, []), ...field(3, [0x0a, 0])])

  test('reads what kubectl sends: empty values are no values', () => {
    const { apiVersion, kind, value } = decodeProtobuf(namespace)
    expect([apiVersion, kind]).toEqual(['v1', 'Namespace'])
    const { object, warnings } = decode({ group: '', version: 'v1', kind, schema: 'core/v1.Namespace' }, value)
    expect(warnings).toEqual([])
    expect(object).toEqual({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'ap', creationTimestamp: null },
      spec: {},
      status: {},
    })
  })

  test('writes the envelope and the bytes that Kubernetes writes', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }
    expect(encodeProtobuf(pod)).toEqual(hex(`6b3873000a090a02763112${'03506f64'}1205${'0a030a0161'}1a002200`))
  })

  test('verbs of a resource are a message of their own, as in generated.proto of meta/v1', () => {
    const resources = [{ name: 'p', singularName: '', namespaced: true, kind: 'P', verbs: ['get', 'list'] }]
    const encoded = encodeProtobuf({ apiVersion: 'v1', kind: 'APIResourceList', groupVersion: 'v1', resources } as any)
    const verbs = Buffer.concat([
      Buffer.from([0x22, 11, 0x0a, 3]),
      Buffer.from('get'),
      Buffer.from([0x0a, 4]),
      Buffer.from('list'),
    ])
    expect(Buffer.from(encoded).includes(verbs)).toBe(true)
    expect(decodeProtobuf(encoded).value).toMatchObject({ resources: [{ name: 'p', verbs: ['get', 'list'] }] })
  })

  test('schemas are found by Kubernetes’ rule of names', () => {
    for (const kind of builtinKinds) {
      const apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version
      expect(schemaNameOf(apiVersion, kind.kind)).toBe(kind.schema)
    }
    expect(schemaNameOf('apps/v1', 'DeleteOptions')).toBe('meta/v1.DeleteOptions')
  })

  test.each(builtinKinds.filter(kind => hasProtobuf(kind.schema)).map(kind => [kind.schema, kind] as const))(
    '%s: any object goes to protobuf and back unchanged',
    (_, kind) => {
      fc.assert(
        fc.property(arbitraryObject(typeNamed(kind.schema)), body => {
          const { object, warnings } = decode(kind, { ...(body as object), apiVersion: undefined, kind: undefined })
          expect(warnings).toEqual([])
          const { value } = decodeProtobuf(encodeProtobuf(object))
          expect(decode(kind, value).object).toEqual(withoutEmptyPolicies(object))
        }),
        { numRuns: 20 },
      )
    },
  )

  test.each([
    'apiextensions/v1.CustomResourceDefinition',
    'apiregistration/v1.APIService',
    'core/v1.PodList',
    'meta/v1.Status',
    'meta/v1.DeleteOptions',
  ])('%s too', schema => {
    fc.assert(
      fc.property(arbitraryObject(typeNamed(schema)), body => {
        const [version, name] = [schema.split('/')[1]!.split('.')[0]!, schema.split('.')[1]!]
        const kind = {
          group: schema.split('/')[0] === 'core' ? '' : schema.split('/')[0]!,
          version,
          kind: name,
          schema,
        }
        const { object } = decode<any>(kind, { ...(body as object), apiVersion: undefined, kind: undefined })
        expect(decode(kind, { ...decodeProtobuf(encodeProtobuf(object, schema)).value }).object).toEqual(object)
      }),
      { numRuns: 20 },
    )
  })

  test('pointers keep their zero, plain fields lose it', () => {
    const kind = { group: 'apps', version: 'v1', kind: 'Deployment', schema: 'apps/v1.Deployment' }
    const sent = encodeProtobuf({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas: 0, paused: false, minReadySeconds: 0, template: { spec: { hostNetwork: false, priority: 0 } } },
    } as object)
    expect(decode(kind, decodeProtobuf(sent).value).object['spec']).toEqual({
      replicas: 0,
      strategy: {},
      template: { metadata: { creationTimestamp: null }, spec: { containers: [], priority: 0 } },
    })
  })

  test('items of a List may be envelopes of their own', () => {
    const inner = encodeProtobuf({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } } as object)
    const frame = protobufWatchFrame('ADDED', inner)
    expect(new DataView(frame.buffer).getUint32(0)).toBe(frame.length - 4)
    const event = envelope('v1', 'WatchEvent', [...frame.subarray(4)])
    expect(decodeProtobuf(event).value).toEqual({
      apiVersion: 'v1',
      kind: 'WatchEvent',
      type: 'ADDED',
      object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
    })
  })

  test('what has no protobuf form is an unsupported media type', () => {
    const workload = envelope('optiflow.dev/v1', 'Workload', [])
    expect(() => decodeProtobuf(workload)).toThrow(expect.objectContaining({ code: 415 }))
  })

  test('broken bytes are bad requests, and quickly', () => {
    expect(() => decodeProtobuf(hex('7b7d'))).toThrow(expect.objectContaining({ code: 400 }))
    const pod = encodeProtobuf({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels: { a: 'b' } } } as object)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(pod.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(pod.length),
        (changes, length) => {
          const broken = pod.slice(0, length)
          for (const [at, byte] of changes) if (at < length) broken[at] = byte
          try {
            decodeProtobuf(broken)
          } catch (error) {
            expect(error).toBeInstanceOf(ApiError)
            expect([400, 415]).toContain((error as ApiError).code)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('a message nested too deep is refused', () => {
    // CustomResourceDefinition schemas contain themselves: `not` within `not`.
    let schema: number[] = []
    for (let i = 0; i < 1000; i++) schema = field(28, schema)
    const crd = field(2, field(7, field(4, field(1, schema))))
    expect(() => decodeProtobuf(envelope('apiextensions.k8s.io/v1', 'CustomResourceDefinition', crd))).toThrow(
      /nested more than 200/,
    )
  })

  test('integers of 64 bits are exact', () => {
    for (const n of [0n, 1n, 127n, 128n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, -1n, -(2n ** 63n), 2n ** 35n]) {
      const sent = encodeProtobuf({ apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: n } as object)
      expect(BigInt(decodeProtobuf(sent).value['gracePeriodSeconds'] as number)).toBe(n)
    }
    expect(() => new WireReader(hex('ffffffffffffffffffffff')).varint()).toThrow('longer than ten bytes')
  })
})

/** An empty list has no form of its own in protobuf. Only of an autoscaler's policies is it told from none, to be refused. */
function withoutEmptyPolicies(object: any): any {
  const { scaleUp, scaleDown } = object.spec?.behavior ?? {}
  for (const rules of [scaleUp, scaleDown]) if (rules?.policies?.length === 0) delete rules.policies
  return object
}
