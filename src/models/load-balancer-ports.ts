import type { LoadBalancerIngress, PortStatus, Service, ServicePort } from './types/core-v1.ts'

/** Condition of a Service with load balancer ports that it does not get. @see https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/ */
export const portsErrorCondition = 'LoadBalancerPortsError'

/** `error` of a port in the status of a load balancer that others have. */
export const portTakenError = 'optiflow.dev/PortTaken'

/**
 * The addresses of a load balancer at which a port is answered. Where the status tells ports, one that is not told there is not
 * answered yet, nor is one with an error. Pure.
 */
export function servedIngress(
  { status }: Pick<Service, 'status'>,
  port: Pick<ServicePort, 'port' | 'protocol'>,
): LoadBalancerIngress[] {
  return (status?.loadBalancer?.ingress ?? []).filter(
    ({ ports }) => !ports?.length || ports.some(told => isAbout(told, port) && !told.error),
  )
}

const isAbout = (told: PortStatus, { port, protocol = 'TCP' }: Pick<ServicePort, 'port' | 'protocol'>) =>
  told.port === port && told.protocol === protocol
