import { Slice, type Sliced, workedBytes } from '../../base/slices.ts'
import { YamlEmitter } from '../../models/go-yaml/emitter.ts'
import { parseJson } from '../../models/json.ts'

/** The YAML of a JSON value, byte by byte as kube-apiserver writes it. */
export function yamlOf(json: Uint8Array): Buffer {
  const emitter = emitterFor(json.length)
  emitter.value(parsed(json))
  return emitter.end()
}

/** The YAML of a list. @param items the JSON of each element */
export function* yamlOfList(
  { apiVersion, kind, metadata }: { apiVersion: string; kind: string; metadata: object },
  items: readonly Uint8Array[],
): Sliced<Buffer> {
  const slice = new Slice(workedBytes)
  const emitter = emitterFor(items.reduce((sum, item) => sum + item.length, 0))
  const member = (name: string, value: unknown) => {
    emitter.key(name, 0)
    emitter.value(value, 0)
  }
  member('apiVersion', apiVersion)
  if (items.length === 0) member('items', [])
  else emitter.key('items', 0)
  for (const item of items) {
    emitter.dash(0)
    emitter.value(parsed(item), 0)
    if (slice.fills(item.length)) yield
  }
  member('kind', kind)
  member('metadata', metadata)
  return emitter.end()
}

/** YAML is about as long as the JSON that it is made of; a seventh more where there are many levels. */
const emitterFor = (jsonBytes: number) => new YamlEmitter(jsonBytes + (jsonBytes >> 3) + 1024)

function parsed(json: Uint8Array): unknown {
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString()
  return parseJson(text, { exactIntegers: true }).value
}
