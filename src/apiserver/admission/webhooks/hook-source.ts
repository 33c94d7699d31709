import type { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from '../../../models/kinds/index.ts'
import type { Core } from '../../core.ts'
import type { Bucket } from '../../watch-cache/bucket.ts'
import type { KeptObject } from '../../watch-cache/kept-object.ts'
import { compileHook, type Hook } from './hook.ts'

type ConfigurationKind = typeof MutatingWebhookConfiguration | typeof ValidatingWebhookConfiguration

/** The webhooks of all configurations of one kind, as the watch cache has them: by name of configuration, then in their order. */
export class HookSource {
  readonly #kind: ConfigurationKind
  readonly #compiled = new WeakMap<KeptObject, Hook[]>()
  #bucket: Bucket | undefined
  #hooks: Hook[] | undefined

  constructor(kind: ConfigurationKind) {
    this.#kind = kind
  }

  hooks(core: Core): readonly Hook[] {
    this.#hooks ??= this.#follow(core)
      .list()
      .flatMap(kept => this.#compile(core, kept))
    return this.#hooks
  }

  #follow(core: Core): Bucket {
    if (!this.#bucket) {
      this.#bucket = core.cache.bucket(core.resources.of(this.#kind))
      this.#bucket.listeners.add({ changed: () => (this.#hooks = undefined) })
    }
    return this.#bucket
  }

  #compile(core: Core, kept: KeptObject): Hook[] {
    let hooks = this.#compiled.get(kept)
    if (!hooks) {
      const { webhooks = [] } = core.shared(kept) as { webhooks?: Parameters<typeof compileHook>[1][] }
      hooks = webhooks.map(webhook => compileHook(kept.name, webhook))
      this.#compiled.set(kept, hooks)
    }
    return hooks
  }
}
