import { createHash } from 'node:crypto'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Client } from '../../client/index.ts'
import { isNotFound } from '../../models/api-error.ts'
import { Secret } from '../../models/kinds/index.ts'
import type { Draft } from '../../models/object.ts'
import type { Challenges } from './authority.ts'

/** Secrets of this type hold answers to an authority's questions: token → answer. Every gateway gives them. */
export const challengeType = 'optiflow.dev/acme-challenge'
const challengePath = '/.well-known/acme-challenge/'
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

/** The answers that Secrets hold, by path. */
export function challengeAnswers(secrets: readonly Secret[]): Map<string, string> {
  const all = secrets.flatMap(({ data = {} }) => Object.entries(data))
  return new Map(all.map(([token, text]) => [`${challengePath}${token}`, Buffer.from(text, 'base64').toString()]))
}
