import { networkUsername } from '../models/network-account.ts'
import type { UserInfo } from '../models/rest.ts'

/** Who the parts of the control plane are when they run inside the server's process, and who holds which token. */
export const controllerUser: UserInfo = {
  username: 'system:kube-controller-manager',
  groups: ['system:masters', 'system:authenticated'],
}
export const schedulerUser: UserInfo = {
  username: 'system:kube-scheduler',
  groups: ['system:authenticated'],
}
export const adminUser: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] }

export const networkUser: UserInfo = {
  username: networkUsername,
  groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
}

export const gatewayUser: UserInfo = { username: 'system:optiflow-gateway', groups: ['system:authenticated'] }

export const nodeUser = (name: string): UserInfo => ({
  username: `system:node:${name}`,
  groups: ['system:nodes', 'system:authenticated'],
})

/** Who a node is before it has its certificate. @param token `id.secret` */
export const joiningUser = (token: string): UserInfo => ({
  username: `system:bootstrap:${token.split('.')[0]}`,
  groups: ['system:bootstrappers', 'system:authenticated'],
})

/** Many nodes in one process share their watches, so none of them can be held to its own objects. */
export const simulatedNodesUser: UserInfo = {
  username: 'system:simulated-nodes',
  groups: ['system:masters', 'system:authenticated'],
}
