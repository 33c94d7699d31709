import { type Clock, sleep } from '../../../base/clock.ts'
import { explain } from '../../../base/errors.ts'
import type { Logger } from '../../../base/logger.ts'
import type { Net } from '../../../base/net.ts'
import type { CelProgram } from '../../../models/cel/index.ts'
import { meetsConditions } from '../../admission/policies/evaluation.ts'
import { CallFailed, DeadlineExceeded } from '../../outgoing/call-failed.ts'
import { ConfiguredServer, type ServerConnection } from '../../outgoing/configured-server.ts'
import type { Attributes, Authorizer, Decision } from '../authorizer.ts'
import { AnswerCache } from './answer-cache.ts'
import type { AuthorizationMetrics } from './authorization-metrics.ts'
import { conditionRequest, reviewSpec } from './review-request.ts'

export interface WebhookAuthorizerOptions {
  /** For logs. */
  name: string
  server: ServerConnection
  /** Of the SubjectAccessReview that is sent. */
  version: 'v1' | 'v1beta1'
  /** How long a yes, and anything else, is remembered. */
  authorizedMs: number
  unauthorizedMs: number
  timeoutMs: number
  /** When the webhook does not answer, or its conditions fail to tell. */
  failurePolicy: 'NoOpinion' | 'Deny'
  /** One that is false: the webhook is not asked. */
  conditions: CelProgram[]
}

interface Answer {
  allowed: boolean
  denied: boolean
  reason: string
}

const tries = 5
const firstRetryMs = 500
const mostAnswers = 8_192
/** Questions about longer names, which whoever asks can make up, are not remembered. */
const longestRemembered = 10_000

/** Another server that says who may do what, by SubjectAccessReviews. */
export class WebhookAuthorizer implements Authorizer, Disposable {
  readonly #options: WebhookAuthorizerOptions
  readonly #clock: Clock
  readonly #log: Logger
  readonly #server: ConfiguredServer
  readonly #known: AnswerCache<Answer>
  /** Of questions that it had no opinion about. */
  readonly #noOpinions = new WeakMap<Attributes, { reason: string; error?: string }>()

  readonly #metrics: AuthorizationMetrics

  constructor(
    options: WebhookAuthorizerOptions,
    outside: { net: Net; clock: Clock; log: Logger },
    metrics: AuthorizationMetrics,
  ) {
    this.#options = options
    this.#metrics = metrics
    this.#clock = outside.clock
    this.#log = outside.log
    this.#server = new ConfiguredServer(options.server, outside)
    this.#known = new AnswerCache(outside.clock, mostAnswers)
  }

  [Symbol.dispose](): void {
    this.#server[Symbol.dispose]()
  }

  authorize(attributes: Attributes): Decision | undefined | Promise<Decision | undefined> {
    const { conditions, name } = this.#options
    const { met, error } = conditions.length
      ? meetsConditions(conditions, { request: conditionRequest(attributes) })
      : { met: true }
    if (error) {
      this.#metrics.conditionFailed(name)
      return this.#failed(attributes, error)
    }
    if (!met) {
      this.#metrics.excluded(name)
      return undefined
    }
    const spec = reviewSpec(attributes)
    const key = JSON.stringify(spec)
    const known = this.#known.get(key)
    return known ? this.#decide(attributes, known) : this.#ask(attributes, spec, key)
  }

  beyondRules(): string {
    return 'webhook authorizer does not support user rule resolution'
  }

  whyNot(attributes: Attributes): string {
    return this.#noOpinions.get(attributes)?.reason ?? ''
  }

  failure(attributes: Attributes): string | undefined {
    return this.#noOpinions.get(attributes)?.error
  }

  async #ask(attributes: Attributes, spec: Record<string, unknown>, key: string): Promise<Decision | undefined> {
    const { authorizedMs, unauthorizedMs, name } = this.#options
    try {
      const answer = await this.#insist(this.#body(spec))
      if (isShort(attributes)) this.#known.set(key, answer, answer.allowed ? authorizedMs : unauthorizedMs)
      return this.#decide(attributes, answer)
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error
      this.#log.warn({ webhook: name, error: explain(error) }, 'authorization webhook failed')
      if (this.#options.failurePolicy === 'NoOpinion') this.#metrics.failedOpen(name, failureOf(error))
      return this.#failed(attributes, error.message)
    }
  }

  #body(spec: Record<string, unknown>): string {
    const { version } = this.#options
    const { groups, ...rest } = spec
    // v1beta1 names the list after one of its members.
    const old = version === 'v1beta1' ? { ...rest, ...(groups ? { group: groups } : {}) } : spec
    return JSON.stringify({
      kind: 'SubjectAccessReview',
      apiVersion: `authorization.k8s.io/${version}`,
      metadata: { creationTimestamp: null },
      spec: old,
      status: { allowed: false },
    })
  }

  async #insist(body: string): Promise<Answer> {
    const { timeoutMs, version, name } = this.#options
    for (let attempt = 1; ; attempt++) {
      const startedMs = this.#clock.monotonicMs()
      const took = () => this.#clock.monotonicMs() - startedMs
      try {
        const answer = readAnswer(await this.#server.post(body, timeoutMs), version)
        this.#metrics.asked(name, 'success', took())
        return answer
      } catch (error) {
        this.#metrics.asked(name, failureOf(error), took())
        if (attempt >= tries || !mayPass(error)) throw error
        await sleep(this.#clock, firstRetryMs * 1.5 ** (attempt - 1))
      }
    }
  }

  #decide(attributes: Attributes, { allowed, denied, reason }: Answer): Decision | undefined {
    if (allowed && denied)
      return {
        ...{ allowed: false, reason },
        error: 'webhook subject access review returned both allow and deny response',
      }
    if (denied) return { allowed: false, reason }
    if (allowed) return { allowed: true, reason }
    this.#noOpinions.set(attributes, { reason })
    return undefined
  }

  #failed(attributes: Attributes, error: string): Decision | undefined {
    if (this.#options.failurePolicy === 'Deny') return { allowed: false, reason: '', error }
    this.#noOpinions.set(attributes, { reason: '', error })
    return undefined
  }
}

function readAnswer(value: unknown, version: string): Answer {
  const { apiVersion, kind, status } = (value ?? {}) as Record<string, unknown>
  if (kind !== 'SubjectAccessReview' || apiVersion !== `authorization.k8s.io/${version}`)
    throw new CallFailed(`the webhook answered with ${apiVersion} ${kind}, not with what it was asked`, { status: 200 })
  const { allowed, denied, reason } = (status ?? {}) as Record<string, unknown>
  for (const flag of [allowed, denied])
    if (flag !== undefined && typeof flag !== 'boolean')
      throw new CallFailed('the webhook answered neither true nor false', { status: 200 })
  return { allowed: allowed === true, denied: denied === true, reason: typeof reason === 'string' ? reason : '' }
}

function failureOf(error: unknown): 'timeout' | 'error' {
  if (!(error instanceof CallFailed)) return 'error'
  return error.status === 504 || error.cause instanceof DeadlineExceeded ? 'timeout' : 'error'
}

/** Whether another try may end better. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof CallFailed)) return false
  if (error.status !== undefined) return [429, 500, 504].includes(error.status)
  return /connection reset/.test(error.message)
}

function isShort({ verb, path, resource }: Attributes): boolean {
  const { namespace = '', group = '', version = '', plural = '', subresource = '', name = '' } = resource ?? {}
  return [verb, path, namespace, group, version, plural, subresource, name].join('').length < longestRemembered
}
