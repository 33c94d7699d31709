import type { Registry } from 'prom-client'
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import type { Core } from '../core.ts'
import { AbacAuthorizer } from './abac/abac-authorizer.ts'
import type { AuthorizerChoice, PlainAuthorizer } from './authorization-configuration.ts'
import { type Attributes, type Authorizer, type Decision, everything, mastersMayAll, publicInfo } from './authorizer.ts'
import { NodeAuthorizer } from './node/node-authorizer.ts'
import { NodeObjects } from './node/node-objects.ts'
import { PodsByNode } from './node/pods-by-node.ts'
import { RbacAuthorizer } from './rbac/rbac-authorizer.ts'
import { AuthorizationMetrics, type Tally } from './webhook/authorization-metrics.ts'
import { WebhookAuthorizer } from './webhook/webhook-authorizer.ts'

const everybodyMayAll: Authorizer = {
  authorize: () => ({ allowed: true, reason: 'AlwaysAllow' }),
  rulesOf: () => everything,
}
const nobodyMay: Authorizer = { authorize: () => undefined, whyNot: () => 'Everything is forbidden.' }

interface Outside {
  net: Net
  clock: Clock
  log: Logger
}

/** Fills the chain of those who are asked what somebody may do, and fills it anew when others are chosen. */
export class ChosenAuthorizers {
  /** The one who knows the roles. */
  readonly rbac: RbacAuthorizer
  readonly #core: Core
  readonly #outside: Outside
  readonly #metrics: AuthorizationMetrics
  readonly #plain: Record<PlainAuthorizer, Authorizer[]>
  readonly #last: Authorizer[]

  /** @param last those who are asked after the chosen ones, whoever these are */
  constructor(core: Core, last: Authorizer[], outside: Outside, registry: Registry) {
    this.#core = core
    this.#outside = outside
    this.#metrics = new AuthorizationMetrics(registry)
    this.#last = last
    this.rbac = new RbacAuthorizer(core)
    this.#plain = {
      Node: [new NodeAuthorizer(new PodsByNode(core), new NodeObjects(core))],
      RBAC: [publicInfo, this.rbac],
      AlwaysAllow: [everybodyMayAll],
      AlwaysDeny: [nobodyMay],
    }
  }

  /** Masters first, then these in their order, from the next question on. */
  choose(choices: AuthorizerChoice[]): void {
    const chosen = choices.flatMap(choice => {
      const tally = this.#metrics.tallyOf(choice.type, nameOf(choice))
      return this.#authorizersOf(choice).map(authorizer => new Counted(authorizer, tally))
    })
    this.#core.authorizer.replace([mastersMayAll, ...chosen, ...this.#last])
  }

  #authorizersOf(choice: AuthorizerChoice): Authorizer[] {
    if (choice.type === 'ABAC') return [new AbacAuthorizer(choice.policies)]
    if (choice.type !== 'Webhook') return this.#plain[choice.type]
    const webhook = new WebhookAuthorizer(choice.webhook, this.#outside, this.#metrics)
    // One that is no longer chosen may still be answering.
    this.#core.closing.addEventListener('abort', () => webhook[Symbol.dispose](), { once: true })
    return [webhook]
  }
}

const nameOf = (choice: AuthorizerChoice): string =>
  choice.type === 'Webhook' ? choice.webhook.name : (choice.name ?? choice.type.toLowerCase())

/** Whose opinions are counted. */
class Counted implements Authorizer {
  readonly #authorizer: Authorizer
  readonly #tally: Tally

  constructor(authorizer: Authorizer, tally: Tally) {
    this.#authorizer = authorizer
    this.#tally = tally
  }

  authorize(attributes: Attributes): Decision | undefined | Promise<Decision | undefined> {
    const answer = this.#authorizer.authorize(attributes)
    return answer instanceof Promise ? answer.then(decision => this.#count(decision)) : this.#count(answer)
  }

  #count(decision: Decision | undefined): Decision | undefined {
    if (decision) this.#tally[decision.allowed ? 'allowed' : 'denied']++
    return decision
  }

  whyNot = (attributes: Attributes) => this.#authorizer.whyNot?.(attributes) ?? ''
  failure = (attributes: Attributes) => this.#authorizer.failure?.(attributes)
  rulesOf: NonNullable<Authorizer['rulesOf']> = (user, namespace) => this.#authorizer.rulesOf?.(user, namespace) ?? []
  beyondRules: NonNullable<Authorizer['beyondRules']> = user => this.#authorizer.beyondRules?.(user)
}
