import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { type Client, callJson } from '../client/index.ts'
import { type AddressAnswer, type AddressQuestion, addressQuestionPath } from '../models/address-question.ts'
import { holds } from '../models/conditions.ts'
import type { Node } from '../models/kinds/index.ts'
import { networkLabel } from '../models/node-network.ts'

/** So many nodes ask each address: one of them may be cut off by itself. */
const mostNodes = 3
/** An agent has this long beyond the time of the check itself. */
const graceMs = 3_000

/** What one node says; undefined: its agent did not answer. */
export type NodeAnswer = { node: string; answer: AddressAnswer | undefined }

/** Asks the agent of a node about an address. Rejects if it does not answer. */
export type AskAgent = (client: Client, clock: Clock, node: string, question: AddressQuestion) => Promise<AddressAnswer>

/** Which nodes ask about the addresses of a registration: others only when one of them is no longer Ready. Pure. */
export function askingNodes(nodes: readonly Node[], registration: string): string[] {
  const rank = (name: string) => createHash('sha256').update(`${registration} ${name}`).digest('hex')
  return nodes
    .filter(isAsking)
    .map(node => node.metadata.name)
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
    .slice(0, mostNodes)
}

/** Ready, and no simulated one: that could reach nobody. */
const isAsking = ({ metadata, status }: Node) =>
  metadata.labels?.[networkLabel] !== undefined && holds(status?.conditions, 'Ready')

/**
 * What the nodes agree on: an address is failing if it does so for more than half of those that answered. Pure.
 * @returns undefined: none of them answered
 */
export function agreedAnswer(answers: readonly NodeAnswer[]): AddressAnswer | undefined {
  const heard = answers.flatMap(({ node, answer }) => (answer ? [{ node, problem: answer.problem }] : []))
  if (!heard.length) return undefined
  const failing = heard.filter(({ problem }) => problem !== undefined)
  if (failing.length * 2 <= heard.length) return {}
  const names = failing.map(({ node }) => node).join(', ')
  return { problem: `${failing[0]!.problem} (asked by ${names})` }
}

/** By way of the API server, which knows where agents are. */
export const askAgent: AskAgent = async (client, clock, node, question) => {
  const stop = new AbortController()
  const waitMs = (question.check.timeoutSeconds ?? 2) * 1_000 + graceMs
  const cancel = clock.schedule(waitMs, () => stop.abort(new Error(`the agent of ${node} did not answer in time`)))
  try {
    const path = `/api/v1/nodes/${node}/proxy${addressQuestionPath}`
    return (await callJson(client, 'POST', path, question, stop.signal)) as AddressAnswer
  } finally {
    cancel()
  }
}
