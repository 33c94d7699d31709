/** A Deployment of `replicas` pods with label `app: <name>`, as people write it. */
export function deployment(
  name: string,
  replicas = 2,
  more: { annotations?: Record<string, string>; image?: string } = {},
) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: { app: name } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name }, ...(more.annotations ? { annotations: more.annotations } : {}) },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'web', image: more.image ?? 'example/web:1', ports: [{ containerPort: 80 }] }],
        },
      },
    },
  }
}

/** A pod of one container. `behaviour` are annotations of the simulated runtime without their prefix. */
export function pod(name: string, behaviour: Record<string, string> = {}, labels: Record<string, string> = {}) {
  const annotations = Object.fromEntries(
    Object.entries(behaviour).map(([key, value]) => [`simulated.optiflow.dev/${key}`, value]),
  )
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels, annotations },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'example/app:1' }] },
  }
}

export function configMap(name: string, data: Record<string, string>, labels: Record<string, string> = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data }
}

/** Our own kind, in its short form. */
export function workload(name: string, replicas = 2) {
  return {
    apiVersion: 'optiflow.dev/v1',
    kind: 'Workload',
    metadata: { name },
    spec: { image: 'example/web:1', replicas, ports: [{ name: 'http', port: 80 }] },
  }
}
