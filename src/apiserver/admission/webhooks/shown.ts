import type { AnyObject } from '../../../models/object.ts'
import type { Resource } from '../../resources.ts'
import { convertObject } from '../../storage/conversion.ts'
import type { Admission } from '../chain.ts'
import { isForeign } from '../policies/request.ts'
import type { Shown } from './review.ts'

/** What the webhooks of one request are shown, in each version once. */
export class ShownObjects {
  readonly #admission: Admission
  readonly #known = new Map<Resource, Promise<Shown>>()

  /** What is new and may still be changed has no uid, no generation and no time of creation yet, as with Kubernetes. */
  readonly #unborn: boolean

  constructor(admission: Admission, changing = false) {
    this.#admission = admission
    this.#unborn = changing && admission.operation === 'CREATE' && !admission.subresource && !isForeign(admission)
  }

  in(resource: Resource): Promise<Shown> {
    let shown = this.#known.get(resource)
    if (!shown) this.#known.set(resource, (shown = this.#show(resource)))
    return shown
  }

  async #show(resource: Resource): Promise<Shown> {
    const shown = await this.#convert(resource)
    return this.#unborn && shown.object ? { ...shown, object: unborn(shown.object) } : shown
  }

  async #convert(resource: Resource): Promise<Shown> {
    const { object, previous } = this.#admission
    if (isForeign(this.#admission) || resource === this.#admission.resource) return { resource, object, previous }
    const from = this.#admission.resource
    const convert = (state: AnyObject | undefined) => state && convertObject(from, resource, state)
    return { resource, object: await convert(object), previous: await convert(previous) }
  }
}

function unborn(object: AnyObject): AnyObject {
  const { uid: _uid, generation: _generation, ...metadata } = object.metadata
  return { ...object, metadata: { ...metadata, creationTimestamp: null } as unknown as AnyObject['metadata'] }
}
