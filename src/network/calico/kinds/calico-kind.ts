import { defineKind, type Kind } from '../../../models/kind.ts'
import type { AnyObject } from '../../../models/object.ts'

/** What an object of Calico's is in either datastore. */
export interface CalicoObject<S extends object = object> {
  metadata: CalicoMetadata
  spec: S
  /** What Calico's programs say about it. */
  status?: unknown
}

export interface CalicoMetadata {
  name: string
  namespace?: string
  uid?: string
  /** What the datastore says it was written at; a write with it is refused when somebody else wrote since. */
  resourceVersion?: string
  creationTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

/** All that we know about one of Calico's kinds. */
export interface CalicoKind<S extends object = object> {
  kind: string
  plural: string
  scope: 'Cluster' | 'Namespaced'
  /** Where and how etcd keeps it; unless given, as every resource of version 3. */
  etcd?: EtcdForm<S>
  /** What Calico's own tools fill in before they write, and its programs rely on. */
  complete?(object: CalicoObject<S>): CalicoObject<S>
  /** Refusals beyond Calico's own schema: `field: what is wrong`. */
  check?(object: CalicoObject<S>, others: readonly CalicoObject<S>[]): string[]
  /** Printed columns after the name. */
  columns: { name: string; cell(object: CalicoObject<S>): string }[]
}

/** Of IPAM, which etcd keeps apart from the resources. */
export interface EtcdForm<S extends object> {
  /** All keys of the kind begin so. */
  prefix: string
  keyOf(object: CalicoObject<S>): string
  /** Undefined where the key is another kind's. */
  read(key: string, value: any): CalicoObject<S> | undefined
  write(object: CalicoObject<S>): object
}

export const calicoGroup = 'crd.projectcalico.org'

/** The identity with the type of the spec inferred: what every file here exports. */
export function defineCalicoKind<S extends object>(kind: CalicoKind<S>): CalicoKind<S> {
  return kind
}

/** As Calico's own components address it in the API. */
export function apiKindOf({ kind, plural, scope }: CalicoKind<any>): Kind<AnyObject> {
  return defineKind<AnyObject>({ group: calicoGroup, version: 'v1', kind, plural, scope, schema: '' })
}

export const cidrInKey = (cidr: string): string => cidr.replace('/', '-')
export const cidrOfKey = (text: string): string => text.replace(/-(\d+)$/, '/$1')
export const familyOf = (cidr: string): 'ipv4' | 'ipv6' => (cidr.includes(':') ? 'ipv6' : 'ipv4')
/** Name of the object in the API that stands for a network: `10-244-0-0-26`. */
export const cidrInName = (cidr: string): string => cidr.replace(/[./:]/g, '-')
