import type { ServedNode } from './served-node.ts'

/** The body of /runningpods/: pods with a container that runs, as the runtime sees them. */
export async function runningPods(node: ServedNode): Promise<object> {
  const items = (await node.runtime.observe()).flatMap(({ uid, name, namespace, containers }) => {
    const running = containers.filter(container => container.state === 'running')
    if (!running.length) return []
    return [
      {
        metadata: { name, namespace, uid },
        spec: { containers: running.map(container => ({ name: container.name, image: container.image })) },
        status: {},
      },
    ]
  })
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items }
}
