/**
 * Writes src/models/protobuf/messages.data.json: the number of every field of Kubernetes' protobuf messages, by the names
 * of our schemas. Types follow from the schemas. Run by hand when the Kubernetes version moves:
 *
 *   npx tsx scripts/import-protobuf.ts path/to/kubernetes-1.32-protobuf.json
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { allTypes } from '../src/models/schema/types.ts'

interface Message {
  fields?: Record<string, { id: number; type: string; rule?: string; keyType?: string }>
  nested?: Record<string, Message>
}

const [path] = process.argv.slice(2)
if (!path) throw new Error('usage: import-protobuf.ts FILE')
const messages = new Map<string, Message>()
const walk = (message: Message, name: string[]) => {
  if (message.fields) messages.set(name.join('.'), message)
  for (const [key, nested] of Object.entries(message.nested ?? {})) walk(nested, [...name, key])
}
walk(JSON.parse(readFileSync(path, 'utf8')), [])

/** k8s.io.api.core.v1.Pod → core/v1.Pod */
function shortName(long: string): string {
  const name = long
    .replace(/^\./, '')
    .replace('k8s.io.apiextensions_apiserver.pkg.apis.', '')
    .replace('k8s.io.apimachinery.pkg.apis.', '')
    .replace('k8s.io.apimachinery.pkg.runtime.', 'meta.v1.')
    .replace('k8s.io.api.', '')
  const [group, version, type] = name.split('.')
  return `${group}/${version}.${type}`
}

// Fields that the source leaves out because their name is a word of the descriptor format, and the aggregation API.
const missing: Record<string, Record<string, number>> = {
  'core/v1.FlexVolumeSource': { options: 5 },
  'core/v1.FlexPersistentVolumeSource': { options: 5 },
  'core/v1.PodDNSConfig': { options: 3 },
  'apiregistration/v1.APIService': { metadata: 1, spec: 2, status: 3 },
  'apiregistration/v1.APIServiceCondition': { type: 1, status: 2, lastTransitionTime: 3, reason: 4, message: 5 },
  'apiregistration/v1.APIServiceList': { metadata: 1, items: 2 },
  'apiregistration/v1.APIServiceSpec': {
    service: 1,
    group: 2,
    version: 3,
    insecureSkipTLSVerify: 4,
    caBundle: 5,
    groupPriorityMinimum: 7,
    versionPriority: 8,
  },
  'apiregistration/v1.APIServiceStatus': { conditions: 1 },
  'apiregistration/v1.ServiceReference': { namespace: 1, name: 2, port: 3 },
}

const out: Record<string, Record<string, number | [id: number, inline: string]>> = {}
const byShortName = new Map([...messages].map(([long, message]) => [shortName(long), message]))
const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')
for (const type of allTypes()) {
  const message = byShortName.get(type.name)
  const numbers: Record<string, number | [number, string]> = {}
  for (const [field, { id, type: fieldType }] of Object.entries(message?.fields ?? {})) {
    const json = type.fields.has(field) ? field : [...type.fields.keys()].find(name => plain(name) === plain(field))
    if (json) numbers[json] = id
    else if (/^[a-z]|\.$/.test(fieldType) && !fieldType.includes('.'))
      console.log(`left out: ${type.name} ${field} ${fieldType}`)
    else {
      const group = type.groupVersion
      numbers[`+${field}`] = [id, fieldType.includes('.') ? shortName(fieldType) : `${group}.${fieldType}`]
    }
  }
  Object.assign(numbers, missing[type.name])
  if (message || missing[type.name]) out[type.name] = numbers
}
const source =
  'Kubernetes 1.32 protobuf descriptors (Apache-2.0): numbers of fields; `+x` is a message whose fields stand inline in JSON.'
const lines = Object.entries({ ...out }).map(
  ([name, numbers]) => ` ${JSON.stringify(name)}: ${JSON.stringify(numbers)}`,
)
writeFileSync(
  resolve(import.meta.dirname, '../src/models/protobuf/messages.data.json'),
  `{\n "source": ${JSON.stringify(source)},\n${lines.join(',\n')}\n}\n`,
)
