import type { FieldError } from './field-error.ts'
import type { AnyObject, KubeObject } from './object.ts'
import type { DecodeContext } from './schema/decode-context.ts'
import type { ObjectType } from './schema/types.ts'
import type { JSONSchemaProps } from './types/apiextensions-v1.ts'
import type { TableRowCondition } from './types/meta-v1.ts'

/**
 * All the system knows about one kind. One file each under kinds/, registered in kinds/index.ts; routes, storage keys,
 * discovery, OpenAPI, printing, defaults and client types follow from it.
 */
export interface Kind<T extends KubeObject = AnyObject> {
  /** '' for the core group. */
  group: string
  version: string
  kind: string
  plural: string
  /** Lower-case kind unless said otherwise. */
  singular?: string
  shortNames?: string[]
  categories?: string[]
  scope: 'Namespaced' | 'Cluster'
  /** Name of the type in models/schemas, such as `core/v1.Pod`. */
  schema: string
  /**
   * Another version or group of the same stored objects (events.k8s.io Event → core Event). That kind owns storage, and
   * validation unless this one says itself all that is wrong with a stored object, its metadata included.
   */
  storedAs?: {
    kind: Kind<any>
    toStored(object: T): AnyObject
    fromStored(object: AnyObject): T
    validate?(next: AnyObject, previous?: AnyObject): FieldError[]
  }
  /** Other versions of the same form that a body may be in: `policy/v1beta1`. */
  alsoRead?: string[]
  /** Unless given: create, delete, deletecollection, get, list, patch, update, watch. Reviews have only create. */
  verbs?: Verb[]
  subresources?: Subresource[]
  /** Where the scale subresource reads and writes: dotted paths, such as `spec.replicas`. */
  scale?: { specReplicas: string; statusReplicas: string; selector(object: T): string }
  /** Fills in what the schema's own defaults cannot; called on every decoded body and on every stored object read. Changes `object`. */
  defaults?(object: T): void
  /** What is wrong with a name, in Kubernetes' words; unless given, names are DNS subdomains. */
  validName?(name: string): string[]
  /** Refusals beyond structure; `previous` on update; `warnings` is given what would be refused if it were new. Called after defaulting. */
  validate?(next: T, previous?: T, warnings?: string[]): FieldError[]
  /**
   * Additional changes before a create is validated (allocate, reset). metadata.name and uid are set, defaults applied, and
   * status is already cleared if `status` is a subresource.
   */
  prepareCreate?(object: T): void
  /** A create may bring its status although it is a subresource (nodes register with theirs). */
  keepsStatusOnCreate?: boolean
  /** What writers of the status may change of metadata besides; all of these unless given. */
  statusMarks?: readonly ('labels' | 'annotations' | 'finalizers' | 'ownerReferences')[]
  /** Who applies the status with other marks than these owns them all the same, though they stay as they were. */
  ownsIgnoredMarks?: true
  /** Kubernetes checks an update like a create, too, and tells what is wrong with the object twice. */
  checkedTwice?: boolean
  /** Kubernetes asks of the metadata of an update what it asks of a create's, besides. */
  checksMetadataAgain?: boolean
  /** Refusals of what a writer of a sub-path (`status`, `approval`, …) may not do; besides `validate`. */
  validatePart?(part: string, next: T, previous: T): FieldError[]
  /** Nobody owns the spec, whoever writes or applies it: it stays as it was asked for. */
  specIsNobodys?: boolean
  /** Before an update is validated: carry over what a writer of the main resource may not change. Status is already kept. */
  prepareUpdate?(next: T, previous: T): void
  /** After admission has changed it and its owners are settled: what the house alone counts, whoever owns it. Changes `next`. */
  finishUpdate?(next: T, previous: T): void
  /** Before a status is validated: what whoever writes it may leave unsaid. Changes `next`; `now` is RFC 3339. */
  prepareStatus?(next: T, previous: T, now: string): void
  /** The object's deletion has begun; whether it may go at once is seen afterwards. Changes `object`; `now` is RFC 3339. */
  deletionBegins?(object: T, now: string): void
  /** True when two specs differ enough for metadata.generation to grow; unless given, any difference outside metadata and status. */
  generationChanged?(next: T, previous: T): boolean
  /** The first change makes it 1: there is none before. */
  generationFromZero?: boolean
  /** Kinds without generation (ConfigMap, Secret, Event, Node, …). */
  noGeneration?: boolean
  /** Who deletes such an object is shown its last state, not a Status. */
  deletionAnswersObject?: boolean
  /** A deletion that does not say what becomes of dependents leaves them, with this warning; else they go too. */
  orphansDependents?: { warning?: string }
  /** Deletion with a grace period: seconds for this object when the request wishes for so many, or for none in particular. */
  gracePeriodSeconds?(object: T, wished?: number): number
  /** PUT without resourceVersion is allowed. True for most built-in kinds. */
  unconditionalUpdate?: boolean
  /** PUT of a missing object creates it. */
  createOnUpdate?: boolean
  /** Field selectors besides metadata.name and metadata.namespace. */
  fields?: Record<string, (object: T) => string>
  /** Printed columns after Name; Age is added last unless `ownAge`. */
  columns?: Column<T>[]
  /** What a printed row says of the object besides its cells: that it has come to its end. */
  rowConditions?(object: T): TableRowCondition[] | undefined
  /** `columns` places Age itself (before the wide ones), or there is none. */
  ownAge?: boolean
  /** `columns` places Name itself (events). */
  ownName?: boolean
  /** Warnings for the writer, such as deprecated fields. */
  warnings?(object: T, previous?: T): string[]
  /** Said to everybody who uses this version: that it is deprecated. */
  deprecation?: string
  /** A kind that somebody defined while the server runs: what its own schema says. `schema` is '' then. */
  custom?: CustomSchema
}

/** What the schema of a custom resource says, at one version. Objects are in the form of that version. */
export interface CustomSchema {
  /** As its author wrote it; undefined: anything goes. */
  openApi: JSONSchemaProps | undefined
  listKind: string
  /** How its parts are owned by those who apply them. */
  type: ObjectType
  /** Leaves out what the schema does not know and notes it. @throws DecodeError */
  decode(value: unknown, context: DecodeContext): Record<string, unknown>
  /** Leaves out what the schema does not know, without a word: of stored and converted objects. */
  prune(object: AnyObject): AnyObject
  /** Fills in what the schema states as default. Changes `object`. */
  applyDefaults(object: AnyObject): void
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch'

/** A sub-path of one object. `status` and `scale` are served generically; the others have handlers in apiserver/subresources. */
export type Subresource =
  | 'status'
  | 'scale'
  | 'binding'
  | 'eviction'
  | 'ephemeralcontainers'
  | 'resize'
  | 'log'
  | 'exec'
  | 'attach'
  | 'portforward'
  | 'proxy'
  | 'token'
  | 'approval'
  | 'finalize'

export interface Column<T extends KubeObject = AnyObject> {
  name: string
  type: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  format?: string
  description?: string
  /** 0: always shown; 1: with -o wide. */
  priority?: number
  /** `nowMs` is wall time, for ages. */
  cell(object: T, nowMs: number): string | number | boolean | null
}

/** The identity with the type of the object inferred: what every file in kinds/ exports. */
export function defineKind<T extends KubeObject>(kind: Kind<T>): Kind<T> {
  return kind
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(kind: { group: string; version: string }): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version
}

/** `pods` or `deployments.apps`: how messages name a resource. */
export function resourceName(kind: { group: string; plural: string }): string {
  return kind.group ? `${kind.plural}.${kind.group}` : kind.plural
}
