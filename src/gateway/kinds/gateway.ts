import { defineKind } from '../../models/kind.ts'
import type { KubeObject } from '../../models/object.ts'
import type { Condition, LabelSelector } from '../../models/types/meta-v1.ts'
import { type GatewayDefinition, gatewayGroup } from './definition.ts'
import {
  conditions,
  group,
  hostname,
  integer,
  kindName,
  labelSelector,
  list,
  listByKey,
  must,
  namespaceName,
  object,
  objectName,
  oneOf,
  pending,
  port,
  root,
  sectionName,
  text,
} from './schema.ts'

export interface Listener {
  name: string
  /** Absent: any. */
  hostname?: string
  port: number
  protocol: string
  tls?: { mode?: 'Terminate' | 'Passthrough'; certificateRefs?: ObjectReference[] }
  allowedRoutes?: {
    namespaces?: { from?: 'All' | 'Same' | 'Selector'; selector?: LabelSelector }
    kinds?: RouteGroupKind[]
  }
}

export interface RouteGroupKind {
  group?: string
  kind: string
}

export interface ObjectReference {
  group?: string
  kind?: string
  name: string
  namespace?: string
}

export interface ListenerStatus {
  name: string
  supportedKinds?: RouteGroupKind[]
  attachedRoutes: number
  conditions: Condition[]
}

export interface Gateway extends KubeObject {
  spec: { gatewayClassName: string; listeners: Listener[]; addresses?: { type?: string; value?: string }[] }
  status?: {
    addresses?: { type?: string; value: string }[]
    conditions?: Condition[]
    listeners?: ListenerStatus[]
  }
}

export const Gateway = defineKind<Gateway>({
  group: gatewayGroup,
  version: 'v1',
  kind: 'Gateway',
  plural: 'gateways',
  shortNames: ['gtw'],
  categories: ['gateway-api'],
  scope: 'Namespaced',
  schema: '',
})

const noTls = "self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)"
const terminates =
  "self.all(l, l.protocol == 'HTTPS' && has(l.tls) ? !has(l.tls.mode) || l.tls.mode == 'Terminate' : true)"
const noHostname = "self.all(l, l.protocol in ['TCP', 'UDP'] ? !has(l.hostname) : true)"
const onceEach =
  'self.all(a, self.exists_one(b, a.port == b.port && a.protocol == b.protocol && ' +
  '(has(a.hostname) && has(b.hostname) ? a.hostname == b.hostname : !has(a.hostname) && !has(b.hostname))))'

const allowedKind = object({ group: { ...group, default: gatewayGroup }, kind: kindName }, ['kind'])

const listener = object(
  {
    name: sectionName,
    hostname,
    port,
    protocol: text(255),
    tls: object(
      {
        mode: { ...oneOf('Terminate', 'Passthrough'), default: 'Terminate' },
        certificateRefs: list(
          object(
            {
              group: { ...group, default: '' },
              kind: { ...kindName, default: 'Secret' },
              name: objectName,
              namespace: namespaceName,
            },
            ['name'],
          ),
          64,
        ),
        options: { type: 'object', additionalProperties: { type: 'string', maxLength: 4_096 }, maxProperties: 16 },
      },
      [],
      {
        'x-kubernetes-validations': [
          must(
            "self.mode == 'Terminate' ? size(self.?certificateRefs.orValue([])) > 0 || size(self.?options.orValue({})) > 0 : true",
            'certificateRefs or options must be specified when mode is Terminate',
          ),
        ],
      },
    ),
    allowedRoutes: object(
      {
        namespaces: object(
          { from: { ...oneOf('All', 'Selector', 'Same'), default: 'Same' }, selector: labelSelector },
          [],
          { default: { from: 'Same' } },
        ),
        kinds: list(allowedKind, 8),
      },
      [],
      { default: { namespaces: { from: 'Same' } } },
    ),
  },
  ['name', 'port', 'protocol'],
)

const keyValues = { type: 'object', additionalProperties: { type: 'string', maxLength: 4_096 }, maxProperties: 16 }

export const gatewayDefinition: GatewayDefinition = {
  kind: Gateway,
  olderVersions: ['v1beta1'],
  schema: root(
    object(
      {
        gatewayClassName: objectName,
        listeners: listByKey('name', listener, 64, {
          minItems: 1,
          'x-kubernetes-validations': [
            must(noTls, "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"),
            must(terminates, 'tls mode must be Terminate for protocol HTTPS'),
            must(noHostname, "hostname must not be specified for protocols ['TCP', 'UDP']"),
            must(onceEach, 'Combination of port, protocol and hostname must be unique for each listener'),
          ],
        }),
        addresses: list(
          object({ type: text(253, { default: 'IPAddress' }), value: { type: 'string', maxLength: 253 } }),
          16,
        ),
        infrastructure: object({
          labels: keyValues,
          annotations: keyValues,
          parametersRef: object({ group, kind: kindName, name: objectName }, ['group', 'kind', 'name']),
        }),
      },
      ['gatewayClassName', 'listeners'],
    ),
    object(
      {
        addresses: list(object({ type: text(253, { default: 'IPAddress' }), value: text(253) }, ['value']), 16),
        conditions,
        listeners: listByKey(
          'name',
          object(
            {
              name: sectionName,
              supportedKinds: list(allowedKind, 8),
              attachedRoutes: integer(0, 2 ** 31 - 1),
              conditions,
            },
            ['name', 'attachedRoutes', 'conditions'],
          ),
          64,
        ),
      },
      [],
      { default: pending('Accepted', 'Programmed') },
    ),
  ),
  columns: [
    { name: 'Class', type: 'string', jsonPath: '.spec.gatewayClassName' },
    { name: 'Address', type: 'string', jsonPath: '.status.addresses[*].value' },
    { name: 'Programmed', type: 'string', jsonPath: '.status.conditions[?(@.type=="Programmed")].status' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
}
