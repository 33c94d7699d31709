/**
 * Turns the Kubernetes OpenAPI component table (names, types, defaults, list and patch semantics) into our own compact
 * form, one file a group version, under src/models/schemas/. Run by hand when the Kubernetes version moves:
 *
 *   npx tsx scripts/import-schemas.ts path/to/kubernetes-1.32-schemas.json
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

type Source = Record<string, any>
const [path] = process.argv.slice(2)
if (!path) throw new Error('usage: import-schemas.ts FILE')
const { schemas } = JSON.parse(readFileSync(path, 'utf8')) as { schemas: Record<string, Source> }

/** io.k8s.api.core.v1.Container → core/v1.Container */
function typeName(long: string): string {
  const short = long
    .replace(/^.*\//, '')
    .replace('io.k8s.apimachinery.pkg.api.resource.', 'meta.v1.')
    .replace('io.k8s.apimachinery.pkg.apis.', '')
    .replace('io.k8s.apimachinery.pkg.runtime.', 'meta.v1.')
    .replace('io.k8s.apimachinery.pkg.util.intstr.', 'meta.v1.')
    .replace('io.k8s.apimachinery.pkg.version.', 'meta.v1.')
    .replace('io.k8s.api.', '')
  const [group, version, name] = short.split('.')
  return `${group}/${version}.${name}`
}

const scalars: Record<string, string> = {
  'meta/v1.Quantity': 'quantity',
  'meta/v1.IntOrString': 'intOrString',
  'meta/v1.Time': 'time',
  'meta/v1.MicroTime': 'microTime',
  'meta/v1.Duration': 'duration',
  'meta/v1.RawExtension': 'any',
  'meta/v1.FieldsV1': 'any',
  'meta/v1.Patch': 'any',
}

function scalarOf(s: Source): string {
  if (s.$ref) {
    const name = typeName(s.$ref)
    return scalars[name] ?? name
  }
  if (s.type === 'integer') return s.format ?? 'int64'
  if (s.type === 'boolean') return 'bool'
  if (s.type === 'string') return s.format === 'byte' ? 'bytes' : 'string'
  if (s.type === 'number') return 'double'
  return 'any'
}

/** A field: a bare type name, or an object where there is more to say. */
function fieldOf(s: Source): unknown {
  const patch = s['x-kubernetes-patch-strategy'],
    key = s['x-kubernetes-patch-merge-key']
  const extra: Source = {}
  if (patch) extra.patch = patch
  if (key) extra.mergeKey = key
  if (s.enum) extra.enum = s.enum
  const def = s.default
  if (def !== undefined && !(def === '' || def === 0 || def === false || typeof def === 'object')) extra.default = def
  if (s.type === 'array') {
    const items = s.items
    const list: Source = { list: s['x-kubernetes-list-type'] ?? 'atomic', of: fieldOf(items) }
    if (s['x-kubernetes-list-map-keys']) list.keys = s['x-kubernetes-list-map-keys']
    return { ...list, ...extra }
  }
  if (s.type === 'object' && s.additionalProperties) {
    const map: Source = { map: fieldOf(s.additionalProperties) }
    if (s['x-kubernetes-map-type'] === 'atomic') map.atomic = true
    return { ...map, ...extra }
  }
  const type = scalarOf(s)
  return Object.keys(extra).length ? { type, ...extra } : type
}

const files = new Map<string, Record<string, unknown>>()
for (const [long, schema] of Object.entries(schemas)) {
  const name = typeName(long)
  if (scalars[name] || !schema.properties) {
    if (!scalars[name] && schema.type !== 'object') throw new Error(`unhandled ${long}`)
    if (scalars[name]) continue
  }
  const [file, short] = name.split(/\.(?=[^.]+$)/) as [string, string]
  const out: Source = { fields: {} }
  if (schema.required?.length) out.required = schema.required
  if (schema['x-kubernetes-map-type'] === 'atomic') out.atomic = true
  for (const [field, s] of Object.entries((schema.properties ?? {}) as Record<string, Source>))
    out.fields[field] = fieldOf(s)
  const types = files.get(file) ?? {}
  types[short] = out
  files.set(file, types)
}
const dir = resolve(import.meta.dirname, '../src/models/schemas')
mkdirSync(dir, { recursive: true })
for (const [file, types] of files)
  writeFileSync(`${dir}/${file.replace('/', '-')}.data.json`, `${JSON.stringify({ group: file, types }, null, 1)}\n`)
