import { ApiError } from '../../../models/api-error.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { Core } from '../../core.ts'
import type { Resource } from '../../resources.ts'
import type { KeptObject } from '../../watch-cache/kept-object.ts'
import type { Admission } from '../chain.ts'
import { Misconfigured, paramResource, paramsFor } from './params.ts'
import type { Binding, PolicyBasis } from './policy.ts'

/** One evaluation of a policy: by way of a binding, with one parameter. */
export interface Invocation {
  /** The version in which the policy's rules name what it is asked about. */
  resource: Resource
  binding: Binding
  param: AnyObject | null
}

/** Told why a policy cannot be used, and by which binding; without one, the policy itself. */
export type Refuse = (binding: Binding | undefined, message: string) => void

/** All evaluations of a policy that a request asks for. What cannot be used refuses, unless the policy fails open. */
export async function invocations(
  admission: Admission,
  policy: PolicyBasis,
  bindings: readonly Binding[],
  refuse: Refuse,
): Promise<Invocation[]> {
  const configured = async <T>(binding: Binding | undefined, look: () => T | Promise<T>): Promise<T | undefined> => {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof Misconfigured || error instanceof ApiError)) throw error
      if (!policy.failOpen) refuse(binding, `failed to configure ${binding ? 'binding' : 'policy'}: ${error.message}`)
      return undefined
    }
  }
  const { matcher, paramKind } = policy
  const matched = await configured(undefined, () => {
    const resource = matcher.match(admission)
    return resource && { resource, params: paramKind && paramResource(admission, paramKind) }
  })
  if (!matched) return []
  const out: Invocation[] = []
  for (const binding of bindings) {
    const params = await configured(binding, () =>
      binding.matcher && !binding.matcher.match(admission)
        ? []
        : paramsFor(admission, matched.params, binding.paramRef),
    )
    for (const param of params ?? []) out.push({ resource: matched.resource, binding, param: param ?? null })
  }
  return out
}

/** The compiled form of a kept object. */
export function remembered<T>(
  known: WeakMap<KeptObject, T>,
  kept: KeptObject,
  core: Core,
  make: new (object: any) => T,
): T {
  let made = known.get(kept)
  if (!made) known.set(kept, (made = new make(core.shared(kept))))
  return made
}
