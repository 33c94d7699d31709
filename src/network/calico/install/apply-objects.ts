import type { Client } from '../../../client/index.ts'
import { ApiError } from '../../../models/api-error.ts'
import type { AnyObject } from '../../../models/object.ts'

/** Who manages what we wrote for Calico. */
export const calicoManager = 'optiflow-calico'

interface Served {
  name: string
  kind: string
  namespaced: boolean
}

/** Writes and deletes objects of any kind that the API serves. */
export class ObjectWriter {
  readonly #client: Client
  readonly #served = new Map<string, Served[]>()

  constructor(client: Client) {
    this.#client = client
  }

  /** Server-side apply: created, or brought to what it says; whoever managed its fields before no longer does. */
  async apply(object: AnyObject): Promise<void> {
    const url = `${await this.#pathOf(object)}?fieldManager=${calicoManager}&force=true`
    await this.#send('PATCH', url, JSON.stringify(object), 'application/apply-patch+yaml')
  }

  /** @returns false when there was none */
  async delete(object: AnyObject): Promise<boolean> {
    try {
      const options = { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' }
      await this.#send('DELETE', await this.#pathOf(object), JSON.stringify(options), 'application/json')
      return true
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return false
      throw error
    }
  }

  async #pathOf({ apiVersion, kind, metadata }: AnyObject): Promise<string> {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
    const resource = (await this.#resources(root)).find(r => r.kind === kind && !r.name.includes('/'))
    if (!resource) throw new ApiError('NotFound', `the API serves no ${kind} of ${apiVersion}`)
    const namespace = resource.namespaced ? `/namespaces/${metadata.namespace ?? 'default'}` : ''
    return `${root}${namespace}/${resource.name}/${metadata.name}`
  }

  async #resources(root: string): Promise<Served[]> {
    let found = this.#served.get(root)
    if (!found) {
      found = (JSON.parse(await this.#send('GET', root)) as { resources: Served[] }).resources
      this.#served.set(root, found)
    }
    return found
  }

  async #send(method: string, url: string, body?: string, type?: string): Promise<string> {
    const headers = { accept: 'application/json', ...(type ? { 'content-type': type } : {}) }
    const reply = await this.#client.raw(method, url, { headers, ...(body === undefined ? {} : { body }) })
    const text = Buffer.from(reply.body as Uint8Array).toString()
    if (reply.status < 300) return text
    throw ApiError.fromReply(reply.status, text)
  }
}
