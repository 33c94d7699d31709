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

  constructor(admission: Admission) {
    this.#admission = admission
  }

  in(resource: Resource): Promise<Shown> {
    let shown = this.#known.get(resource)
    if (!shown) this.#known.set(resource, (shown = this.#show(resource)))
    return shown
  }

  async #show(resource: Resource): Promise<Shown> {
    const { object, previous } = this.#admission
    if (isForeign(this.#admission) || resource === this.#admission.resource) return { resource, object, previous }
    const from = this.#admission.resource
    const convert = (state: AnyObject | undefined) => state && convertObject(from, resource, state)
    return { resource, object: await convert(object), previous: await convert(previous) }
  }
}
