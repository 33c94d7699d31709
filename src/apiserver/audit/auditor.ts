import { Counter, type Registry } from 'prom-client'
import { type Clock, microTimestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { ApiReply, ApiRequest, UserInfo } from '../../models/rest.ts'
import type { Attributes } from '../authz/authorizer.ts'
import { isTunnel } from '../nodes/tunnel.ts'
import { WatchStream } from '../watch-cache/watch-stream.ts'
import {
  type AuditEvent,
  encodeEvent,
  objectReference,
  requestObject,
  responseObject,
  responseStatus,
  sourceIps,
  userAgent,
  withoutManagedFields,
} from './audit-event.ts'
import { type Judgement, judge } from './judge.ts'
import type { AuditPolicy, Stage } from './policy.ts'

/** Where events go. */
export interface AuditBackend extends AsyncDisposable {
  /** `log`, `webhook`: the label of what it loses. */
  name: string
  /** Takes an event, one line of JSON; never waits and never throws. */
  write(line: string): void
  /** What was written so far is where it should be; a backend without this makes nobody wait. */
  flushed?(): Promise<void>
  /** Calls back with the number of events that were lost. */
  onLost: (events: number, why: unknown) => void
}

export interface AuditOptions {
  policy: AuditPolicy
  backends: readonly AuditBackend[]
  /** An answer is sent when its events are recorded, not before. */
  blocking?: boolean
}

const closeLimitMs = 5_000

interface Parts {
  clock: Clock
  log: Logger
  registry: Registry
}

/** Records who asked for what, and what became of it. What cannot be written is counted, and nobody waits for it. */
export class Auditor {
  readonly #options: AuditOptions
  readonly #clock: Clock
  readonly #events: Counter
  readonly #levels: Counter

  constructor(options: AuditOptions, { clock, log, registry }: Parts) {
    const { backends } = options
    this.#options = options
    this.#clock = clock
    const registers = [registry]
    this.#events = new Counter({ name: 'apiserver_audit_event_total', help: 'Audit events, all together.', registers })
    this.#levels = new Counter({
      ...{ name: 'apiserver_audit_level_total', help: 'Requests by what is recorded of them.', registers },
      labelNames: ['level'],
    })
    const lost = new Counter({
      ...{ name: 'apiserver_audit_error_total', help: 'Audit events that were lost, by where they should have gone.' },
      ...{ labelNames: ['plugin'], registers },
    })
    for (const backend of backends) {
      lost.inc({ plugin: backend.name }, 0)
      backend.onLost = (events, why) => {
        lost.inc({ plugin: backend.name }, events)
        log.error({ backend: backend.name, events, error: explain(why) }, 'audit events are lost')
      }
    }
  }

  /**
   * Begins the record of a request.
   * @param attributes in the name of whoever authenticated, before any impersonation
   * @returns undefined if the policy wants none
   */
  begin(request: ApiRequest, auditId: string, attributes: Attributes): AuditTrail | undefined {
    const judgement = judge(this.#options.policy, attributes)
    this.#levels.inc({ level: judgement.level })
    if (judgement.level === 'None') return undefined
    return new AuditTrail({ request, auditId, attributes, judgement, clock: this.#clock, write: e => this.#write(e) })
  }

  /** When all events so far are recorded, if anybody is to wait for that. */
  recorded(): Promise<unknown> | undefined {
    const { blocking, backends } = this.#options
    return blocking ? Promise.all(backends.map(backend => backend.flushed?.())) : undefined
  }

  /** Writes what waits, unless that takes too long: a disk that hangs must not keep a server from ending. */
  async close(): Promise<void> {
    const written = Promise.all(this.#options.backends.map(backend => backend[Symbol.asyncDispose]()))
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#clock.schedule(closeLimitMs, resolve)
      written.then(() => resolve(), reject).finally(cancel)
    })
  }

  #write(event: AuditEvent): void {
    this.#events.inc()
    const line = encodeEvent(event)
    for (const backend of this.#options.backends) backend.write(line)
  }
}

interface TrailParts {
  request: ApiRequest
  auditId: string
  attributes: Attributes
  judgement: Judgement
  clock: Clock
  write(event: AuditEvent): void
}

/** The record of one request. */
export class AuditTrail {
  readonly #parts: TrailParts
  readonly #event: Omit<AuditEvent, 'stage' | 'stageTimestamp'>
  readonly #annotations = new Map<string, string>()

  constructor(parts: TrailParts) {
    const { request, auditId, attributes, judgement, clock } = parts
    const agent = userAgent(request)
    const ips = sourceIps(request)
    this.#parts = parts
    this.#event = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: judgement.level,
      auditID: auditId,
      requestURI: request.url,
      verb: attributes.verb,
      user: shownUser(attributes.user),
      ...(ips.length ? { sourceIPs: ips } : {}),
      ...(agent ? { userAgent: agent } : {}),
      ...(attributes.resource ? { objectRef: objectReference(attributes.resource) } : {}),
      requestReceivedTimestamp: microTimestamp(clock),
    }
    this.#emit('RequestReceived')
  }

  /** The request is handled in another's name. */
  impersonated(user: UserInfo): void {
    this.#event.impersonatedUser = shownUser(user) as UserInfo
  }

  /** Says something more; what was said first of a key stays. What has a level is told where requests' objects are. */
  annotate(key: string, value: string, level?: 'Request'): void {
    if (level && this.#parts.judgement.level === 'Metadata') return
    if (!this.#annotations.has(key)) this.#annotations.set(key, value)
  }

  /** Nobody was found who asks. */
  refused(message: string): void {
    this.#event.responseStatus = { metadata: {}, status: 'Failure', message, reason: 'Unauthorized', code: 401 }
    this.#emit('ResponseStarted')
  }

  /** The answer is there, or begins; not yet compressed. Records its end when that comes. */
  answered(reply: ApiReply): void {
    const { request, judgement } = this.#parts
    const { level } = judgement
    const objects = level === 'Request' || level === 'RequestResponse'
    const named = this.#event.objectRef?.name !== undefined || this.#event.verb !== 'create'
    const sent = objects || !named ? requestObject(request) : undefined
    const got = wanted(reply, level === 'RequestResponse' || !named) ? responseObject(reply) : undefined
    this.#event.responseStatus = responseStatus(reply.status, got)
    this.#nameObject(reply.status < 300 ? got : undefined, sent)
    if (objects && sent !== undefined) this.#event.requestObject = this.#shown(sent)
    if (level === 'RequestResponse' && got !== undefined) this.#event.responseObject = this.#shown(got)
    const ends = endOf(reply)
    if (ends) {
      this.#emit('ResponseStarted')
      ends(() => this.#emit('ResponseComplete'))
    } else this.#emit('ResponseComplete')
  }

  #shown(object: unknown): unknown {
    return this.#parts.judgement.omitManagedFields ? withoutManagedFields(object) : object
  }

  /** A new object has its name from its own lines, or from the server. */
  #nameObject(...objects: unknown[]): void {
    const { objectRef } = this.#event
    for (const object of objects) {
      const { kind, metadata } = (object ?? {}) as { kind?: string; metadata?: { name?: string; uid?: string } }
      if (!objectRef || objectRef.name !== undefined || kind === 'Status' || !metadata?.name) continue
      objectRef.name = metadata.name
      if (metadata.uid) objectRef.uid = metadata.uid
    }
  }

  #emit(stage: Stage): void {
    const { judgement, clock, write } = this.#parts
    if (judgement.omitStages.has(stage)) return
    const annotations = this.#annotations.size ? { annotations: Object.fromEntries(this.#annotations) } : {}
    write({ ...this.#event, stage, stageTimestamp: microTimestamp(clock), ...annotations })
  }
}

/** Refusals say why; other answers are read only where they are recorded or name what was made. */
function wanted({ status, body }: ApiReply, always: boolean): boolean {
  return always || status >= 400 || (body instanceof Uint8Array && Buffer.from(body.subarray(0, 16)).equals(statusHead))
}

const statusHead = Buffer.from('{"kind":"Status"')

function shownUser({ username, uid, groups, extra }: UserInfo): Partial<UserInfo> {
  if (username === '') return {}
  return { username, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) }
}

/** How to hear of the end of an answer that is a stream; undefined when it is whole already. */
function endOf(reply: ApiReply): ((then: () => void) => void) | undefined {
  const { body } = reply
  if (isTunnel(reply)) return then => void reply.tunnel.backend.once('close', then)
  if (body instanceof Uint8Array) return undefined
  if (body instanceof WatchStream) return then => body.onEnd(then)
  return then => {
    reply.body = endingWith(body, then)
  }
}

async function* endingWith(body: AsyncIterable<Uint8Array>, then: () => void): AsyncGenerator<Uint8Array, void> {
  try {
    yield* body
  } finally {
    then()
  }
}
