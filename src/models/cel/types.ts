/** What an expression can be. Sizes ride along, so that the cost of an expression can be bounded before it runs. */
export type CelType =
  | SimpleType
  | ListType
  | MapType
  | ObjectType
  | { readonly kind: 'optional'; readonly of: CelType }
  /** A nullable scalar, as protobuf's wrappers are. */
  | { readonly kind: 'wrapper'; readonly of: CelType }
  /** The type of a type: `int` itself, or `type(x)`. */
  | { readonly kind: 'type'; readonly of: CelType }
  /** A type of a library, such as `kubernetes.Quantity`. */
  | OpaqueType
  /** A variable of a signature. */
  | { readonly kind: 'param'; readonly name: string }

export interface OpaqueType {
  readonly kind: 'opaque'
  readonly name: string
}

export interface Sized {
  /** The most characters, bytes or elements that a valid value has; unbounded if absent. */
  readonly maxElements?: number
  /** The fewest bytes that a value takes as JSON; 0 if absent. */
  readonly minJsonBytes?: number
}

export const simpleKinds = [
  'dyn',
  'error',
  'null',
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'timestamp',
  'duration',
] as const

export type SimpleKind = (typeof simpleKinds)[number]

export interface SimpleType extends Sized {
  readonly kind: SimpleKind
}

export interface ListType extends Sized {
  readonly kind: 'list'
  readonly of: CelType
  /** Sets and lists of keyed elements are equal in any order, and `+` merges them. */
  readonly semantics?: 'atomic' | 'set' | 'map'
  /** The fields that name an element of a `map` list. */
  readonly keys?: readonly string[]
}

export interface MapType extends Sized {
  readonly kind: 'map'
  readonly key: CelType
  readonly of: CelType
}

export interface CelField {
  /** The name in JSON; expressions write it escaped. */
  readonly name: string
  readonly type: CelType
}

/** An object with known fields, by the names that expressions use. They are made when first asked for: types may contain themselves. */
export class ObjectType implements Sized {
  readonly kind = 'object'
  readonly name: string
  readonly minJsonBytes: number
  /** Estimates count elements, and an object has none: so Kubernetes bounds costs. */
  readonly maxElements = 0
  #make: () => ReadonlyMap<string, CelField>
  #fields: ReadonlyMap<string, CelField> | undefined

  constructor(name: string, fields: () => ReadonlyMap<string, CelField>, minJsonBytes = 2) {
    this.name = name
    this.#make = fields
    this.minJsonBytes = minJsonBytes
  }

  get fields(): ReadonlyMap<string, CelField> {
    this.#fields ??= this.#make()
    return this.#fields
  }

  /** A field as an expression names it: a word of the language may also stand as it is, `self.namespace`. */
  field(name: string): CelField | undefined {
    return this.fields.get(name) ?? (reserved.has(name) ? this.fields.get(`__${name}__`) : undefined)
  }
}

const simple = <K extends SimpleKind>(kind: K): SimpleType => ({ kind })

/** Makes types: `cel.list(cel.int)`, `cel.object('Pod', { spec: … })`. */
export const cel = {
  dyn: simple('dyn'),
  null: simple('null'),
  bool: simple('bool'),
  int: simple('int'),
  uint: simple('uint'),
  double: simple('double'),
  string: simple('string'),
  bytes: simple('bytes'),
  timestamp: simple('timestamp'),
  duration: simple('duration'),
  list: (of: CelType, sizes: Omit<ListType, 'kind' | 'of'> = {}): ListType => ({ kind: 'list', of, ...sizes }),
  map: (key: CelType, of: CelType, sizes: Sized = {}): MapType => ({ kind: 'map', key, of, ...sizes }),
  /** Fields by their JSON names; a function where the type contains itself. */
  object(name: string, fields: Record<string, CelType> | (() => Record<string, CelType>)): ObjectType {
    return new ObjectType(name, () => {
      const entries = Object.entries(typeof fields === 'function' ? fields() : fields)
      return new Map(entries.flatMap(([field, type]) => fieldOf(field, type)))
    })
  },
  /** An object of the server's own, such as `request`: expressions write its fields as they are, `namespace` too. */
  declared(name: string, fields: Record<string, CelType>): ObjectType {
    return new ObjectType(
      name,
      () => new Map(Object.entries(fields).map(([field, type]) => [field, { name: field, type }])),
    )
  },
  optional: (of: CelType): CelType => ({ kind: 'optional', of }),
  opaque: (name: string): OpaqueType => ({ kind: 'opaque', name }),
  type: (of: CelType): CelType => ({ kind: 'type', of }),
  param: (name: string): CelType => ({ kind: 'param', name }),
  wrapper: (of: CelType): CelType => ({ kind: 'wrapper', of }),
}

/** The entry of a field, or none if its name cannot be written in an expression. */
export function fieldOf(name: string, type: CelType): [string, CelField][] {
  const escaped = escapeName(name)
  return escaped === undefined ? [] : [[escaped, { name, type }]]
}

const reserved = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return ' +
    'var void while'
  ).split(' '),
)

const escapes: Record<string, string> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' }

/**
 * How an expression writes a field's name: `a-b` is `a__dash__b`, `namespace` is `__namespace__`.
 * @returns undefined for a name that no expression can write, such as `1st` or `a$`
 */
export function escapeName(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`
  if (!/^[A-Za-z_./-][\w./-]*$/.test(name)) return undefined
  return name.replace(/__|[./-]/g, found => escapes[found]!)
}

const otherNames: Partial<Record<SimpleKind, string>> = { error: '!error!' }

/** A type as compilers print it: `list(map(string, int))`. */
export function typeText(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${typeText(type.of)})`
    case 'map':
      return `map(${typeText(type.key)}, ${typeText(type.of)})`
    case 'object':
    case 'opaque':
    case 'param':
      return type.name
    case 'optional':
      return `optional_type(${typeText(type.of)})`
    case 'wrapper':
      return `wrapper(${typeText(type.of)})`
    case 'type':
      return `type(${typeText(type.of)})`
    default:
      return otherNames[type.kind] ?? type.kind
  }
}
