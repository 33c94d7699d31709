import protobuf from 'protobufjs'

/** The compact form of the *.data.json files: a field is `"3 repeated string"`, a method `"Request -> stream Reply"`. */
export interface CompactProtocol {
  source: string
  services: Record<string, Record<string, string>>
  enums: Record<string, Record<string, number>>
  messages: Record<string, Record<string, string>>
}

/** One method of a gRPC service, with its two message types. */
export interface Method {
  path: string
  encode(request: object): Buffer
  decode(reply: Buffer): object
  /** For those who serve it. */
  encodeReply(reply: object): Buffer
  decodeRequest(request: Buffer): object
  /** The reply is a stream of messages. */
  streams: boolean
}

/** Encodes and decodes the messages of one protocol. Loading costs a few milliseconds and happens at first use. */
export class Protocol {
  readonly #data: CompactProtocol
  readonly #methods = new Map<string, Method>()
  readonly #types = new Map<string, protobuf.Type>()
  #root: protobuf.Root | undefined

  constructor(data: CompactProtocol) {
    this.#data = data
  }

  /** @param service full name, such as `runtime.v1.RuntimeService` */
  method(service: string, name: string): Method {
    const path = `/${service}/${name}`
    const known = this.#methods.get(path)
    if (known) return known
    const text = this.#data.services[service]?.[name]
    if (!text) throw new Error(`no method ${path} in this protocol`)
    const [request, reply] = text.replace('stream ', '').split(' -> ') as [string, string]
    const method = {
      path,
      encode: (message: object) => this.encode(request, message),
      decode: (bytes: Buffer) => this.decode(reply, bytes),
      encodeReply: (message: object) => this.encode(reply, message),
      decodeRequest: (bytes: Buffer) => this.decode(request, bytes),
      streams: text.includes('stream '),
    }
    this.#methods.set(path, method)
    return method
  }

  /** Names of a service's methods. */
  methods(service: string): string[] {
    return Object.keys(this.#data.services[service] ?? {})
  }

  encode(message: string, value: object): Buffer {
    const type = this.#type(message)
    return Buffer.from(type.encode(type.fromObject(value)).finish())
  }

  /** Enums as names, 64-bit integers as numbers (nanoseconds lose their last digits), absent scalars as defaults, absent messages as null. */
  decode<T extends object>(message: string, bytes: Uint8Array): T {
    const type = this.#type(message)
    return type.toObject(type.decode(bytes), { longs: Number, enums: String, defaults: true, oneofs: false }) as T
  }

  #type(name: string): protobuf.Type {
    let type = this.#types.get(name)
    if (type) return type
    this.#root ??= protobuf.Root.fromJSON(expand(this.#data))
    type = this.#root.lookupType(name)
    this.#types.set(name, type)
    return type
  }
}

function expand({ enums, messages }: CompactProtocol): protobuf.INamespace {
  const root: protobuf.INamespace = { nested: {} }
  for (const [name, values] of Object.entries(enums)) put(root, name, { values })
  for (const [name, fields] of Object.entries(messages))
    put(root, name, { fields: Object.fromEntries(Object.entries(fields).map(([field, text]) => [field, parse(text)])) })
  return root
}

function parse(text: string): protobuf.IField | protobuf.IMapField {
  const [, id, repeated, type] = /^(\d+) (repeated )?(.+)$/.exec(text)!
  const map = /^map<(\w+),(.+)>$/.exec(type!)
  if (map) return { id: Number(id), keyType: map[1]!, type: map[2]! }
  return { id: Number(id), type: type!, ...(repeated ? { rule: 'repeated' } : {}) }
}

/** A message may also be the namespace of others (`types.Sandbox.Runtime`), whichever came first. */
function put(root: protobuf.INamespace, name: string, value: object): void {
  const path = name.split('.')
  let at = root as { nested?: Record<string, any> }
  for (const part of path.slice(0, -1)) {
    at.nested ??= {}
    at = at.nested[part] ??= {}
  }
  at.nested ??= {}
  const last = path.at(-1)!
  at.nested[last] = { ...at.nested[last], ...value }
}
