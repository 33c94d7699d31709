import { registryOf, repositoryOf } from '../image-reference.ts'
import type { PullProgress } from '../runtime.ts'
import type { Content, ContentInfo, Manifest } from './content.ts'

/** Manifests are smaller, most layers larger: what is not read here is at worst a progress that is not told. */
const maxManifestBytes = 1 << 20

/**
 * How far one pull is. CRI does not tell, but containerd notes with every blob which repository it came from, and how much
 * of each layer has come: the manifest, which comes first, says which layers those are.
 */
export class PullWatch {
  readonly #content: Content
  readonly #label: string
  readonly #repository: string
  readonly #others = new Set<string>()
  #manifest: Manifest | undefined

  constructor(content: Content, image: string) {
    this.#content = content
    this.#label = `containerd.io/distribution.source.${registryOf(image)}`
    this.#repository = repositoryOf(image)
  }

  /** Undefined: not known yet, or this runtime is no containerd. */
  async look(): Promise<PullProgress | undefined> {
    const arriving = await this.#content.arriving()
    this.#manifest ??= await this.#find(arriving)
    if (!this.#manifest) return undefined
    const { layers } = this.#manifest
    const come = await Promise.all(
      layers.map(async ({ digest }) => arriving.get(refOf(digest)) ?? (await this.#content.info(digest))?.size ?? 0),
    )
    const sum = (bytes: number[]) => bytes.reduce((all, some) => all + some, 0)
    return { doneBytes: sum(come), totalBytes: sum(layers.map(layer => layer.size)) }
  }

  /** The newest manifest of the repository of which a layer is on its way. */
  async #find(arriving: Map<string, number>): Promise<Manifest | undefined> {
    const known = await this.#content.list([`labels.${JSON.stringify(this.#label)}`])
    const candidates = known
      .filter(info => info.labels[this.#label]?.split(',').includes(this.#repository) && info.size < maxManifestBytes)
      .sort((a, b) => madeAt(b) - madeAt(a))
    for (const { digest } of candidates) {
      if (this.#others.has(digest)) continue
      const document = await this.#content.document<Partial<Manifest>>(digest).catch(() => undefined)
      if (document?.layers?.some(layer => arriving.has(refOf(layer.digest)))) return document as Manifest
      if (!document?.layers) this.#others.add(digest)
    }
    return undefined
  }
}

/** As containerd names the fetching of a layer. */
const refOf = (digest: string): string => `layer-${digest}`

const madeAt = ({ created_at: at }: ContentInfo): number => (at ? at.seconds + at.nanos / 1e9 : 0)
