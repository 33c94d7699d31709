import { stringify } from 'yaml'
import { parseJson } from '../../models/json.ts'

/** Larger values are written in YAML's other notation, which is JSON: making the first takes a second for each megabyte. */
const maxBlockYamlBytes = 64 * 1024

/** Members by their names, and lists no further in than their names, as from Kubernetes. @param json the JSON of a value; it comes back as it is where it is large */
export function yamlOf(json: Uint8Array): string | Uint8Array {
  if (json.length > maxBlockYamlBytes) return json
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString()
  return stringify(parseJson(text, { exactIntegers: true }).value, { sortMapEntries: true, indentSeq: false })
}
