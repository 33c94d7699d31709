import { closeWords } from '../base/close-words.ts'
import { OptiFlowError } from '../base/errors.ts'
import { callJson } from '../client/call-json.ts'
import type { Client } from '../client/index.ts'
import { ApiError, isNotFound } from '../models/api-error.ts'
import { groupVersionOf } from '../models/group-version.ts'
import type { AnyObject } from '../models/object.ts'
import { parseYamlDocuments } from '../models/yaml.ts'

/** A manifest cannot be applied as it is. */
export class BadManifest extends OptiFlowError {}

interface Served {
  name: string
  kind: string
  namespaced: boolean
}

/** @param text YAML or JSON documents; Lists are unfolded. @throws BadManifest, ApiError BadRequest */
export function readManifestText(text: string): AnyObject[] {
  const objects = parseYamlDocuments(text).flatMap(({ value }) => {
    const { kind, items } = value as { kind?: string; items?: AnyObject[] }
    return kind?.endsWith('List') && Array.isArray(items) ? items : [value as AnyObject]
  })
  for (const [i, { apiVersion, kind, metadata }] of objects.entries()) {
    const missing = !apiVersion ? 'apiVersion' : !kind ? 'kind' : metadata?.name ? undefined : 'metadata.name'
    if (missing)
      throw new BadManifest(`object ${i + 1} of the manifest${kind ? `, a ${kind},` : ''} has no ${missing}`, {
        hint: 'Every object has apiVersion, kind and metadata.name.',
      })
  }
  return objects
}

/**
 * Applies objects by server-side apply, one after the other; of fields that others manage it takes over all.
 * @param after called after each, before the next: what it waits for is there then
 * @throws BadManifest when a kind is not served; ApiError
 */
export async function applyManifests(
  client: Client,
  objects: readonly AnyObject[],
  after: (applied: AnyObject) => Promise<void>,
): Promise<AnyObject[]> {
  const applied: AnyObject[] = []
  for (const object of objects) {
    const { name, namespaced } = await servedAs(client, object)
    const namespace = object.metadata.namespace ?? 'default'
    const { apiVersion, metadata } = object
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const path = `${root}${namespaced ? `/namespaces/${namespace}` : ''}/${name}/${metadata.name}`
    const body = namespaced ? { ...object, metadata: { ...metadata, namespace } } : object
    const reply = await client.raw('PATCH', `${path}?fieldManager=optiflow-library&force=true&fieldValidation=Strict`, {
      headers: { accept: 'application/json', 'content-type': 'application/apply-patch+yaml' },
      body: JSON.stringify(body),
    })
    const text = await textOf(reply.body)
    if (reply.status >= 400) throw ApiError.fromReply(reply.status, text)
    const result = JSON.parse(text) as AnyObject
    applied.push(result)
    await after(result)
  }
  return applied
}

async function servedAs(client: Client, { apiVersion, kind }: AnyObject): Promise<Served> {
  const path = groupVersionOf(apiVersion).group ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const { resources } = await (callJson(client, 'GET', path) as Promise<{ resources: Served[] }>).catch(error => {
    if (isNotFound(error)) return { resources: [] }
    throw error
  })
  const own = resources.filter(({ name }) => !name.includes('/'))
  const found = own.find(one => one.kind === kind)
  if (found) return found
  const close = closeWords(
    kind,
    own.map(one => one.kind),
  )
  throw new BadManifest(`${apiVersion} has no kind ${kind} here`, {
    hint: close.length
      ? `Did you mean ${close.slice(0, 3).join(', ')}?`
      : 'Apply its CustomResourceDefinition first, or before it in the same text.',
  })
}

async function textOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body).toString()
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  return Buffer.concat(parts).toString()
}
