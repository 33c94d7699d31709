import { validityOf } from '../../base/certificates.ts'
import type { ServedNode } from './served-node.ts'
import { single } from './text-form.ts'

const server = 'kubelet_certificate_manager_server_ttl_seconds'
const client = 'kubelet_certificate_manager_client_ttl_seconds'

/** How long the node's own certificates are still good, in seconds; less than 0: they are not. */
export function certificateFamilies({ certificates, clock }: ServedNode): string[] {
  const now = certificates?.()
  if (!now) return []
  const left = (pem: string) => Math.floor((validityOf(pem).untilMs - clock.now()) / 1000)
  return [
    ...single(client, 'gauge', "Seconds until the end of the agent's client certificate", left(now.client)),
    ...single(server, 'gauge', "Seconds until the end of the agent's server certificate", left(now.server)),
  ]
}
