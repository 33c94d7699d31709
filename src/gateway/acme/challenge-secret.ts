import { createHash } from 'node:crypto'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Client } from '../../client/index.ts'
import { isNotFound } from '../../models/api-error.ts'
import { Secret } from '../../models/kinds/index.ts'
import type { Draft } from '../../models/object.ts'
import type { Challenges } from './authority.ts'

/** Secrets of this type hold answers to an authority's questions: token → answer. Every gateway gives them. */
export const challengeType = 'optiflow.dev/acme-challenge'
export const challengePath = '/.well-known/acme-challenge/'
/** What gateways get to hear of a new answer. */
const settleMs = 1_000

/** Answers in a Secret, where the gateways of all servers see them. @param certificate names it */
export function challengesInSecret(client: Client, clock: Clock, certificate: string): Challenges {
  const name = `optiflow-acme-${createHash('sha256').update(certificate).digest('hex').slice(0, 16)}`
  const key = { namespace: 'kube-system', name }
  const hide = async () => {
    try {
      await client.delete(Secret, key)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
  return {
    hide,
    async show(answers) {
      // One may be left of a try that was cut short.
      await hide()
      const data = Object.fromEntries(
        [...answers].map(([token, text]) => [token, Buffer.from(text).toString('base64')]),
      )
      await client.create(Secret, { metadata: key, type: challengeType, data } as Draft<Secret>)
      await sleep(clock, settleMs)
    },
  }
}

/** The answer to a question, if one of the Secrets holds it. */
export function challengeAnswer(secrets: readonly Secret[], path: string): string | undefined {
  const token = path.slice(challengePath.length)
  for (const { data = {} } of secrets)
    if (Object.hasOwn(data, token)) return Buffer.from(data[token]!, 'base64').toString()
  return undefined
}
