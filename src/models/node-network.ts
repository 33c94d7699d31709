/** Label of a node: who gives its pods their network, `builtin` or `cni` (Calico, or another plugin). */
export const networkLabel = 'optiflow.dev/network'
