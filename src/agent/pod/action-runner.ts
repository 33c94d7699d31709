import type { Pod } from '../../models/types/core-v1.ts'
import { countCrash, forgivenAfterMs } from './back-off.ts'
import { type Action, graceOf } from './decision.ts'
import type { PodFacts } from './downward.ts'
import type { NodeContext } from './node-context.ts'
import { findContainer, newest, type Records } from './records.ts'
import { allocatedOf } from './resize.ts'
import { watchStep } from './slow-steps.ts'
import { Steps } from './steps.ts'

/** The pod that actions are carried out for, as it is at any moment. */
export interface ActionSubject {
  readonly uid: string
  readonly pod: Pod
  /** With the resources that the node has agreed to. */
  readonly accounted: Pod
  /** It is no longer in the API. */
  readonly gone: boolean
  readonly facts: PodFacts
  /** Ends what runs under this key. */
  interrupt(key: string, why: string): void
}

/** Carries out what was decided for one pod, and notes in its records what came of it. */
export class ActionRunner {
  readonly #node: NodeContext
  readonly #steps: Steps
  readonly #records: Records
  readonly #subject: ActionSubject

  constructor(node: NodeContext, records: Records, subject: ActionSubject) {
    this.#node = node
    this.#steps = new Steps(node)
    this.#records = records
    this.#subject = subject
  }

  async run(action: Action, signal: AbortSignal): Promise<void> {
    const ended = watchStep(this.#node, this.#subject.pod, action)
    try {
      await this.#run(action, signal)
    } finally {
      ended()
    }
  }

  async #run(action: Action, signal: AbortSignal): Promise<void> {
    const records = this.#records
    const { runtime, view, clock, events } = this.#node
    const pod = this.#subject.pod
    switch (action.type) {
      case 'setUpVolumes': {
        const missing = await this.#steps.setUpVolumes(this.#subject.facts, signal)
        records.volumesReady = true
        records.volumesMissing = new Set(missing.keys())
        // People were told of it, with the pull. It is tried again.
        for (const why of missing.values()) throw why
        return
      }
      case 'runSandbox':
        await this.#steps.runSandbox(this.#subject.accounted, action.attempt, signal)
        return
      case 'stopSandbox':
        if (action.because) events.normal(pod, 'SandboxChanged', action.because)
        return runtime.stopSandbox(action.id)
      case 'getImage': {
        const container = findContainer(this.#subject.pod, action.container)!
        const ref = await this.#steps.getImage(pod, container, signal)
        records.images.set(action.container, { name: container.image!, ref })
        return
      }
      case 'start':
        return this.#start(action, signal)
      case 'readEnd':
        return this.#readEnd(action.id)
      case 'kill': {
        const observed = view.get(this.#subject.uid)?.containers.find(c => c.id === action.id)
        if (!observed) return
        if (action.replaced) records.replaced.add(action.id)
        if (action.replaced === 'resized') records.resized.add(action.id)
        const { graceMs, message } = action
        events.normal(pod, 'Killing', message)
        const container = records.hooked.has(action.id) ? undefined : findContainer(pod, action.container)
        return this.#steps.kill(pod, container, observed, { graceMs, podIp: this.#podIp }, signal)
      }
      case 'preStop': {
        const container = findContainer(pod, action.container)
        if (container) await this.#steps.preStop(pod, container, action.id, { ...action, podIp: this.#podIp }, signal)
        records.hooked.add(action.id)
        return
      }
      case 'hasten': {
        const operation = records.operations.get(`kill:${action.id}`)
        if (operation) operation.dueMonoMs = clock.monotonicMs() + action.graceMs
        this.#subject.interrupt(`kill:${action.id}`, 'less time is left')
        return runtime.stop(action.id, action.graceMs)
      }
      case 'resize':
        return this.#resize(action)
      case 'removeContainer':
        return runtime.removeContainer(action.id)
      case 'removeSandbox':
        return runtime.remove(action.id)
      case 'end':
        events.normal(pod, action.reason, action.message)
        records.ending ??= {
          sinceMonoMs: clock.monotonicMs(),
          graceMs: action.graceMs,
          reason: action.reason,
          message: action.message,
        }
        return
      case 'tearDownVolumes':
        records.volumesMissing = new Set()
        await this.#steps.tearDown(this.#subject.uid)
        records.volumesReady = false
        return
      case 'finish':
        await this.#steps.clearAway(pod)
        if (!this.#subject.gone) await this.#node.forget(pod)
        records.cleaned = true
        return
      case 'cancel':
        return
    }
  }

  get #podIp(): string {
    return this.#subject.facts.podIps[0] ?? ''
  }

  async #start(action: Extract<Action, { type: 'start' }>, signal: AbortSignal): Promise<void> {
    const container = findContainer(this.#subject.accounted, action.container)!
    const imageRef = this.#records.images.get(action.container)!.ref
    const wanted = 'targetContainerName' in container ? container.targetContainerName : undefined
    const target = wanted ? newest(this.#node.view.get(this.#subject.uid), wanted)?.id : undefined
    const { attempt } = action
    this.#records.begun.set(action.container, { attempt, atMonoMs: this.#node.clock.monotonicMs() })
    try {
      await this.#steps.bound(this.#subject.accounted)
      await this.#steps.start(
        this.#subject.facts,
        container,
        {
          sandbox: action.sandbox,
          attempt: action.attempt,
          imageRef,
          graceMs: graceOf(this.#subject.pod),
          ...(target ? { target } : {}),
        },
        signal,
      )
    } finally {
      this.#records.images.delete(action.container)
    }
  }

  async #resize({ id, container: name }: Extract<Action, { type: 'resize' }>): Promise<void> {
    const container = this.#subject.pod.spec.containers.find(c => c.name === name)
    if (!container) return
    const resources = allocatedOf(this.#records, container)
    await this.#steps.resize(this.#subject.accounted, { ...container, resources }, id)
    this.#records.applied.set(id, resources)
  }

  async #readEnd(id: string): Promise<void> {
    const { view, clock } = this.#node
    const container = view.get(this.#subject.uid)?.containers.find(c => c.id === id)
    if (!container) return
    const message = await this.#steps.readEnd(this.#subject.pod, container)
    const now = clock.monotonicMs()
    const begun = this.#records.begun.get(container.name)
    // Clocks are set, and it cannot have ended before it was begun.
    const mostMs = begun?.attempt === container.attempt ? now - begun.atMonoMs : undefined
    const agoMs = container.finishedAtMs === undefined ? 0 : clock.now() - container.finishedAtMs
    countCrash(this.#records, container, mostMs)
    this.#records.ended.set(id, {
      atMonoMs: now - Math.min(Math.max(agoMs, 0), mostMs ?? forgivenAfterMs, forgivenAfterMs),
      message,
    })
  }
}
