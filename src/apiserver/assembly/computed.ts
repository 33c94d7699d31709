import type { Core } from '../core.ts'
import { podCommand, podLog, podPortForward } from '../nodes/pod-streams.ts'
import { proxy } from '../proxy/proxy.ts'
import { reviewHandlers } from '../reviews/reviews.ts'
import { bindingGroupHandler } from '../subresources/binding-group.ts'
import { podReportGroupHandler } from '../subresources/pod-report-group.ts'
import { tokenCreator } from '../subresources/token.ts'
import { NodeUsages } from '../usage/node-usages.ts'
import { usageHandlers } from '../usage/usage-handlers.ts'
import type { Identity } from './identity.ts'
import type { ApiServerOptions } from './options.ts'

/** What is worked out when somebody asks for it, instead of stored. */
export function addComputed(core: Core, { nodes }: ApiServerOptions, identity: Identity): void {
  const { authorizer, clock } = core
  core.computed = new Map([
    ...reviewHandlers({ authorizer, ...identity }),
    ...usageHandlers(nodes && new NodeUsages(nodes, clock)),
    bindingGroupHandler(authorizer),
    podReportGroupHandler(authorizer),
  ])
}

/** Sub-paths that lead to tokens, and to pods, services and nodes. */
export function addSubresources({ moreSubresources }: Core, { nodes }: ApiServerOptions, { tokens }: Identity): void {
  if (tokens) moreSubresources.set('token', { create: tokenCreator(tokens) })
  moreSubresources.set('proxy', proxy(nodes))
  if (!nodes) return
  moreSubresources.set('log', { get: podLog(nodes) })
  moreSubresources.set('exec', { create: podCommand(nodes, 'exec') })
  moreSubresources.set('attach', { create: podCommand(nodes, 'attach') })
  moreSubresources.set('portforward', { create: podPortForward(nodes) })
}
