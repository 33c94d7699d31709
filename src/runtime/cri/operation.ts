const known = new Map<string, string>([['UpdateContainerResources', 'update_container']])

/** A method of CRI as kubelet's metrics name it: `RunPodSandbox` is `run_podsandbox`. */
export function operationOf(method: string): string {
  let operation = known.get(method)
  if (operation === undefined) {
    const words = method.replace('PodSandbox', 'Podsandbox').replace('PortForward', 'Portforward')
    operation = words.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase()
    known.set(method, operation)
  }
  return operation
}
