/**
 * The ServiceAccount under which nodes enforce network policies: it sees all pods, which a node itself may not. Only
 * nodes get its token; who takes its ClusterRoleBinding away turns enforcement of policies off.
 */
export const networkAccount = { namespace: 'kube-system', name: 'optiflow-network' }

export const isNetworkAccount = ({ namespace, name }: { namespace: string | undefined; name: string }): boolean =>
  namespace === networkAccount.namespace && name === networkAccount.name

export const networkUsername = `system:serviceaccount:${networkAccount.namespace}:${networkAccount.name}`
