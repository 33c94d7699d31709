import { afterAll, beforeAll } from 'vitest'
import type { ContainerSpec, ObservedPod, Runtime, SandboxSpec } from '../runtime.ts'
import { containerSpec, podSpec } from '../testing/specs.ts'

/** What the suite needs of a place to run in. */
export interface RuntimeBench extends AsyncDisposable {
  runtime: Runtime
  /** The same runtime seen by a new process of ours, which remembers nothing. */
  reopen(): Runtime
  /** An image with a shell that can be pulled. */
  image: string
  /** Images that cannot be pulled, and what people must be told. */
  badImages: { what: string; image: string; says: RegExp; options?: Parameters<Runtime['pull']>[1] }[]
  /** Lets time pass until it holds; fails after `withinMs`. */
  until<T>(what: string, holds: () => Promise<T | undefined>, withinMs?: number): Promise<T>
  /** Lets time pass while something is under way. */
  during<T>(work: Promise<T>): Promise<T>
  logFolder: string
  /** The runtime goes away and comes back; containers go on. */
  interrupt(): Promise<() => Promise<void>>
  /** What was left behind after everything was removed, one line each. */
  leaks(): Promise<string[]>
}

/** A program in both forms: for real runtimes a shell script, for the simulated one its annotations. */
export interface Program {
  script: string
  simulated?: Record<string, string>
}

export const sleeping: Program = { script: 'sleep 1000' }
export const never = new AbortController().signal

/** The runtime that is judged, and what tests do with it again and again. */
export class Subject {
  bench!: RuntimeBench
  runtime!: Runtime
  imageRef = ''
  #pods = 0

  constructor(open: () => Promise<RuntimeBench>) {
    beforeAll(async () => {
      this.bench = await open()
      this.runtime = this.bench.runtime
      this.imageRef = await this.bench.during(this.runtime.pull(this.bench.image, {}, never))
    })
    afterAll(async () => {
      await this.bench?.[Symbol.asyncDispose]()
    })
  }

  pod = (program: Program | Record<string, Program> = sleeping, more: Partial<SandboxSpec> = {}): SandboxSpec => {
    const name = `pod-${++this.#pods}`
    const programs = 'script' in program ? { main: program as Program } : program
    const annotations: Record<string, string> = {}
    for (const [container, { simulated }] of Object.entries(programs))
      for (const [key, value] of Object.entries(simulated ?? {}))
        annotations[`simulated.optiflow.dev/${key}.${container}`] = value
    return podSpec(name, {
      namespace: 'conformance',
      labels: { app: name },
      annotations,
      logFolder: `${this.bench.logFolder}/${name}`,
      ...more,
    })
  }

  container = (program: Program = sleeping, more: Partial<ContainerSpec> = {}): ContainerSpec =>
    containerSpec(this.bench.image, this.imageRef, program.script, {
      env: [{ name: 'COLOR', value: 'blue' }],
      labels: { tier: 'test' },
      ...more,
    })

  see = async (uid: string, by = this.runtime): Promise<ObservedPod | undefined> =>
    (await by.observe()).find(p => p.uid === uid)

  ended = (uid: string, id: string) =>
    this.bench.until('the end of the container', async () =>
      (await this.see(uid))?.containers.find(c => c.id === id && c.state === 'exited'),
    )

  run = async (program: Program, more: Partial<ContainerSpec> = {}) => {
    const { bench, runtime } = this
    const spec = this.pod(program)
    const sandbox = await bench.during(runtime.runSandbox(spec, never))
    const id = await bench.during(runtime.start(sandbox, this.container(program, more)))
    return { uid: spec.uid, spec, sandbox, id, remove: () => bench.during(runtime.remove(sandbox)) }
  }

  output = async (id: string, options: Parameters<Runtime['logs']>[1] = {}, by = this.runtime): Promise<string> => {
    let all = ''
    for await (const chunk of by.logs(id, options, never)) all += Buffer.from(chunk).toString()
    return all
  }
}
