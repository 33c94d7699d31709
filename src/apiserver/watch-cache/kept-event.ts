import type { Frame } from './frame.ts'
import type { KeptObject } from './kept-object.ts'

export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

/** How events are written for a group of watchers that asked alike. */
export interface EventForm {
  /** Equal for watchers that may share frames; '' is not shared. */
  key: string
  frame(type: EventType, object: KeptObject): Frame
}

/** One change of one object, kept so that a watch can resume; encoded once a form however many watch. */
export class KeptEvent {
  readonly revision: number
  /** After the change; undefined when deleted. */
  readonly object: KeptObject | undefined
  readonly previous: KeptObject | undefined
  #last: KeptObject | undefined
  #frames: Map<string, Frame> | undefined

  constructor(revision: number, object: KeptObject | undefined, previous: KeptObject | undefined) {
    this.revision = revision
    this.object = object
    this.previous = previous
  }

  /** The state before, with the revision of this event: what a deletion shows, and an object that left the selector. */
  get last(): KeptObject {
    this.#last ??= this.previous!.endedAt(this.revision)
    return this.#last
  }

  get namespace(): string {
    return (this.object ?? this.previous)!.namespace
  }

  get name(): string {
    return (this.object ?? this.previous)!.name
  }

  /** What a watcher sees of this event: nothing, or a type that depends on what its selector saw before and sees now. */
  seen(matches: ((object: KeptObject) => boolean) | undefined): EventType | undefined {
    if (!matches) return this.object ? (this.previous ? 'MODIFIED' : 'ADDED') : 'DELETED'
    const now = this.object !== undefined && matches(this.object)
    const before = this.previous !== undefined && matches(this.previous)
    if (now) return before ? 'MODIFIED' : 'ADDED'
    return before ? 'DELETED' : undefined
  }

  frame(type: EventType, form: EventForm): Frame {
    const object = type === 'DELETED' ? this.last : this.object!
    if (form.key === '') return form.frame(type, object)
    const key = `${type}${form.key}`
    let frame = this.#frames?.get(key)
    if (!frame) {
      frame = form.frame(type, object)
      this.#frames ??= new Map()
      this.#frames.set(key, frame)
    }
    return frame
  }

  /** Frames are for those who watch now; who resumes later has them made again. */
  forgetFrames(): void {
    this.#frames = undefined
  }
}
