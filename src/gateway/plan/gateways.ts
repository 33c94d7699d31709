import type { Gateway, GatewayClass } from '../kinds/index.ts'
import { gatewayController } from './ingress-plan.ts'

/** True if the Gateway is ours to serve. */
export function isServedGateway(gateway: Gateway, classes: readonly GatewayClass[]): boolean {
  return classes.some(
    ({ metadata, spec }) =>
      metadata.name === gateway.spec.gatewayClassName && spec.controllerName === gatewayController,
  )
}
