import { describe } from 'vitest'
import { runsContainers } from './containers.ts'
import { pullsImages } from './images.ts'
import { keepsSandboxes } from './sandboxes.ts'
import { carriesStreams } from './streams.ts'
import { type RuntimeBench, Subject } from './subject.ts'
import { standsInterruptions } from './surroundings.ts'

export type { RuntimeBench } from './subject.ts'

/** The promises of the Runtime interface, kept by every implementation. */
export function runtimeConformance(name: string, open: () => Promise<RuntimeBench>): void {
  describe(`runtime conformance: ${name}`, () => {
    const on = new Subject(open)
    keepsSandboxes(on)
    runsContainers(on)
    carriesStreams(on)
    pullsImages(on)
    standsInterruptions(on)
  })
}
