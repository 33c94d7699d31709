import { type Clock, sleep } from '../../../base/clock.ts'
import type { Client } from '../../../client/index.ts'
import { isNotFound } from '../../../models/api-error.ts'
import { ConfigMap } from '../../../models/kinds/index.ts'
import { type CalicoDatastore, ObjectExists, ObjectMoved } from '../datastore/datastore.ts'
import { type BgpSession, bgpSessionsIn, CalicoNodeStatus } from '../kinds/index.ts'

/** How a node's BGP sessions are, or why nobody knows. */
export type NodeBgp = { sessions: BgpSession[] } | { unknown: string }

export interface BgpQuestion {
  clock: Clock
  signal: AbortSignal
  /** How long nodes have for their answer; 15 000 unless given. */
  timeoutMs?: number
}

/** Calico advises against more questions at once: each costs its node time and the API writes. */
const nodesAtOnce = 10
const lookMs = 200
const answerMs = 15_000
const shortestPeriodSeconds = 10
const tries = 5

const nameOf = (node: string) => `optiflow-${node}`

/** Whether routes come by BGP here: calico-node runs BIRD only if its configuration says so. */
export async function usesBgp(client: Client): Promise<boolean> {
  try {
    const { data } = await client.get(ConfigMap, { namespace: 'kube-system', name: 'calico-config' })
    return data?.['calico_backend'] === 'bird'
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

/**
 * Asks calico-node of each node for its BGP sessions, as `calicoctl` users do: by a CalicoNodeStatus, which it answers in the
 * status. Questions are taken back whatever happens; those of somebody else stay.
 */
export async function askBgpSessions(
  datastore: CalicoDatastore,
  nodes: readonly string[],
  question: BgpQuestion,
): Promise<Map<string, NodeBgp>> {
  const answers = new Map<string, NodeBgp>()
  for (let at = 0; at < nodes.length; at += nodesAtOnce) {
    const batch = nodes.slice(at, at + nodesAtOnce)
    try {
      await Promise.all(batch.map(node => ask(datastore, node)))
      for (const [node, answer] of await awaitAnswers(datastore, batch, question)) answers.set(node, answer)
    } finally {
      await Promise.all(batch.map(node => takeBack(datastore, node)))
    }
  }
  return answers
}

async function ask(datastore: CalicoDatastore, node: string): Promise<void> {
  // An old answer to a run that was killed is no answer.
  await takeBack(datastore, node)
  const spec: CalicoNodeStatus = { node, classes: ['BGP'], updatePeriodSeconds: shortestPeriodSeconds }
  await datastore.create(CalicoNodeStatus, { metadata: { name: nameOf(node) }, spec }).catch(error => {
    // Somebody looks at the same time: his question is as good.
    if (!(error instanceof ObjectExists)) throw error
  })
}

async function takeBack(datastore: CalicoDatastore, node: string): Promise<void> {
  for (let left = tries; ; left--) {
    const found = await datastore.get(CalicoNodeStatus, nameOf(node))
    if (!found) return
    try {
      return await datastore.delete(CalicoNodeStatus, found)
    } catch (error) {
      // It was answered this very moment.
      if (!(error instanceof ObjectMoved) || left <= 1) throw error
    }
  }
}

async function awaitAnswers(
  datastore: CalicoDatastore,
  nodes: readonly string[],
  { clock, signal, timeoutMs = answerMs }: BgpQuestion,
): Promise<Map<string, NodeBgp>> {
  const deadline = clock.monotonicMs() + timeoutMs
  for (;;) {
    const answers = new Map<string, NodeBgp>()
    for (const asked of await datastore.list(CalicoNodeStatus)) {
      const sessions = bgpSessionsIn(asked)
      const { node } = asked.spec
      if (sessions && nodes.includes(node) && asked.metadata.name === nameOf(node)) answers.set(node, { sessions })
    }
    if (answers.size === nodes.length) return answers
    if (clock.monotonicMs() >= deadline) {
      const unknown = `calico-node has not answered for its BGP sessions within ${timeoutMs / 1000} s`
      for (const node of nodes) if (!answers.has(node)) answers.set(node, { unknown })
      return answers
    }
    await sleep(clock, lookMs, signal)
  }
}

/** What is wrong with a node's sessions, in plain words. Pure. */
export function bgpProblems(bgp: NodeBgp | undefined): string[] {
  if (!bgp) return []
  if ('unknown' in bgp) return [`${bgp.unknown}: kubectl logs -n kube-system -l k8s-app=calico-node -c calico-node`]
  return bgp.sessions
    .filter(({ state }) => state !== 'Established')
    .map(
      ({ peer, type, state, since }) =>
        `BGP with ${peer} (${type}) is ${state}${since ? ` since ${since}` : ''}: is port 179/tcp open between them, and the AS number right on both sides?`,
    )
}
