import type { Case, Program } from '../program.ts'
import type { Both } from '../servers.ts'
import type { Json, Question } from '../side.ts'
import { told } from '../story.ts'
import { limitQuestions, limitScene } from './limits.ts'
import { nodeQuestions, nodeScene } from './nodes.ts'
import { permissionQuestions, permissionScene } from './permissions.ts'
import { podQuestions, podScene } from './pods.ts'
import { policyQuestions, policyScene } from './policies.ts'
import { reviewQuestions } from './reviews.ts'

/** As whom it is asked: `ann`, or `system:node:n1,system:nodes` with the groups behind. */
export interface Asking extends Question {
  as?: string
  what?: string
}

/** What is made first, by an administrator: path and body. */
export type Made = readonly [path: string, body: Json]

const scenes: [name: string, scene: readonly Made[], questions: readonly Asking[]][] = [
  ['permissions', permissionScene, permissionQuestions],
  ['reviews', [], reviewQuestions],
  ['nodes', nodeScene, nodeQuestions],
  ['pods', podScene, podQuestions],
  ['limits', limitScene, limitQuestions],
  ['policies', policyScene, policyQuestions],
]

export const access: Program = {
  name: 'access',
  about:
    'Who may what, and what is let in: RBAC, impersonation, reviews, tokens, nodes, pod security, quotas, limits, policies and webhooks.',
  async *cases(both, { every, offset }) {
    let count = 0
    for (const [name, scene, questions] of scenes) {
      for (const [path, body] of scene) yield await made(both, name, path, body)
      // Caches of rules and policies follow what is stored.
      if (scene.length) await new Promise(resolve => setTimeout(resolve, 2_500))
      for (const question of questions) if (count++ % every === offset) yield await answered(both, name, question)
    }
  },
}

const made = (both: Both, name: string, path: string, body: Json): Promise<Case> =>
  told(both, `access: ${name}, scene ${path} ${body.metadata?.name}`, { method: 'POST', path, body })

function answered(both: Both, name: string, { as, what, ...question }: Asking): Promise<Case> {
  const words =
    what ?? `${question.method} ${question.path} ${question.body ? JSON.stringify(question.body).slice(0, 500) : ''}`
  const [user, ...groups] = as?.split(',') ?? []
  const headers: Record<string, string | string[]> = {
    ...question.headers,
    ...(user ? { 'impersonate-user': user } : {}),
  }
  // One header with all would be one group.
  const all = groups.length ? { ...headers, 'impersonate-group': groups } : headers
  return told(both, `access: ${name}, ${as ?? 'admin'}: ${words}`, { ...question, headers: all })
}
