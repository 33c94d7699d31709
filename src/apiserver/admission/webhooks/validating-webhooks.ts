import { ValidatingWebhookConfiguration } from '../../../models/kinds/index.ts'
import type { Authorizer } from '../../authz/authorizer.ts'
import type { Admission, AdmissionPlugin } from '../chain.ts'
import { isExempt } from '../matching/matcher.ts'
import { AskedOnce } from '../policies/authorizer.ts'
import { type AskingWay, askHook } from './ask.ts'
import type { Hook } from './hook.ts'
import { HookSource } from './hook-source.ts'
import { concerns } from './relevant.ts'
import type { Shown } from './review.ts'
import { ShownObjects } from './shown.ts'

/** All at once; the first refusal in order of configurations is the one that is told. */
export function validatingWebhooks(authorizer: Authorizer, way: AskingWay): AdmissionPlugin {
  const source = new HookSource(ValidatingWebhookConfiguration)
  return {
    name: 'ValidatingAdmissionWebhook',
    asksOthers: true,
    handles: resource => !isExempt(resource),
    validate(admission) {
      const hooks = source.hooks(admission.core)
      if (hooks.length === 0 || !hooks.some(hook => hook.matcher.mayMatch(admission))) return undefined
      return askAll(hooks, admission, authorizer, way)
    },
  }
}

async function askAll(
  hooks: readonly Hook[],
  admission: Admission,
  authorizer: Authorizer,
  way: AskingWay,
): Promise<void> {
  const objects = new ShownObjects(admission)
  const questions = new AskedOnce(authorizer, admission)
  const asked: { hook: Hook; shown: Shown; place: string }[] = []
  for (const [i, hook] of hooks.entries()) {
    const resource = await concerns(hook, admission, objects, questions)
    if (resource) asked.push({ hook, shown: await objects.in(resource), place: `round_0_index_${i}` })
  }
  const answers = await Promise.allSettled(
    asked.map(({ hook, shown, place }) => askHook(hook, { admission, shown, type: 'validating', place, ...way })),
  )
  for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
}
