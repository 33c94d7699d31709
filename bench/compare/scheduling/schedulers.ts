import { systemClock as clock } from '../../../src/base/clock.ts'
import { silentLogger as log } from '../../../src/base/logger.ts'
import { systemRandom as random } from '../../../src/base/random.ts'
import { createClient, createEventRecorder, createInformers, httpTransport } from '../../../src/client/index.ts'
import { hasScores } from '../../../src/scheduler/class-plan.ts'
import { ClusterFeed } from '../../../src/scheduler/cluster-feed.ts'
import { askAll } from '../../../src/scheduler/explain/refusals.ts'
import { ClusterState, createScheduler, Decider, defaultProfile } from '../../../src/scheduler/index.ts'
import { scoreNodes } from '../../../src/scheduler/scoring.ts'
import type { ApiKeys } from '../../support/api.ts'

/** By node, what each plugin gave it times its weight; nothing for zeros. */
export type Scores = Record<string, Record<string, number>>

export interface RunningScheduler extends AsyncDisposable {
  /** Those by which this bound pod was placed: none where only one node fits. Undefined: not known yet. */
  scoresOf(namespace: string, name: string): Scores | undefined
  forget(): void
}

/** Ours, over HTTP. Beside it, a state that decides nothing tells how nodes score. */
export async function startOurScheduler(keys: ApiKeys): Promise<RunningScheduler> {
  const transport = httpTransport({
    server: `https://127.0.0.1:${keys.port}`,
    ca: keys.ca,
    cert: keys.cert,
    key: keys.key,
  })
  const client = createClient(transport)
  const informers = createInformers({ client, clock, random, log })
  const events = createEventRecorder({ client, clock, random, log, component: 'default-scheduler' })
  const scheduler = createScheduler({ client, informers, clock, random, log, events })
  await scheduler.start()
  const state = new ClusterState()
  const nothing = () => {}
  new ClusterFeed(state, { pending: nothing, gone: nothing, settled: nothing, event: nothing }).subscribe(
    informers,
    () => true,
  )
  const decider = new Decider(defaultProfile, state)
  return {
    scoresOf: (namespace, name) => scoresNow(`${namespace}/${name}`, state, decider),
    forget: nothing,
    async [Symbol.asyncDispose]() {
      await scheduler.stop()
      await informers[Symbol.asyncDispose]()
    },
  }
}

function scoresNow(key: string, state: ClusterState, decider: Decider): Scores | undefined {
  const node = state.nodes.find(n => n.placed.some(p => p.keyText === key))
  const info = node?.placed.find(p => p.keyText === key)
  if (!node || !info) return
  return state.speculate(() => {
    state.removePod(info, node.name)
    const { nodeName: _, ...spec } = info.pod.spec
    const free = state.classes.admit({ ...info.pod, spec })
    try {
      const actives = decider.actives(free)
      const { fitting } = askAll(actives, state)
      if (fitting.length < 2) return {}
      const found: Scores = Object.fromEntries(fitting.map(n => [n.name, {}]))
      const scores = new Float64Array(fitting.length)
      for (const active of actives.filter(hasScores)) {
        scoreNodes(active, fitting, scores)
        for (const [i, { name }] of fitting.entries())
          if (scores[i]) found[name]![active.plugin.name] = scores[i]! * active.weight
      }
      return found
    } finally {
      state.classes.release(free)
      state.addPod(info, node.name)
    }
  })
}

const scored = /"Plugin scored node for pod" pod="([^"]+)" plugin="([^"]+)" node="([^"]+)" score=(-?\d+)/

/** What kube-scheduler says of scores in its log. */
export class ScoreLog {
  readonly #scores = new Map<string, Scores>()
  #rest = ''

  hear(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      const [, pod, plugin, node, score] = scored.exec(line) ?? []
      if (!pod) continue
      const known = this.#scores.get(pod) ?? {}
      this.#scores.set(pod, known)
      known[node!] ??= {}
      if (Number(score)) known[node!]![plugin!] = Number(score)
    }
  }

  of(namespace: string, name: string): Scores {
    return this.#scores.get(`${namespace}/${name}`) ?? {}
  }

  clear(): void {
    this.#scores.clear()
  }
}
