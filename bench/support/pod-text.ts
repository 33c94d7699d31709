/** A pod as JSON, under a name of its own. */
export type PodText = (name: string) => string

/**
 * What most pods are: one container with its requests, and labels. With the defaults, the service account's volume, the
 * tolerations and the owned fields that any create gets, it is stored and served as 2 KB.
 */
export const plainPod: PodText = name =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'web', tier: 'front' } },
    spec: {
      // Nobody's, so that only the API works.
      schedulerName: 'nobody',
      containers: [
        {
          name: 'web',
          image: 'registry.example.com/team/web:1.2.3',
          resources: { requests: { cpu: '100m', memory: '128Mi' } },
        },
      ],
    },
  })

/** Two containers with probes, environment and mounts, and a long note: 2 KB as sent, about three times that as served. */
export const largePod: PodText = name => {
  const body = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { app: 'web', tier: 'front', 'pod-template-hash': '6d4b75cb6d' },
      annotations: { 'example.com/revision': '42', 'example.com/note': '' },
    },
    spec: {
      schedulerName: 'nobody',
      terminationGracePeriodSeconds: 30,
      containers: ['web', 'sidecar'].map(container => ({
        name: container,
        image: `registry.example.com/team/${container}:1.2.3`,
        command: ['/bin/server', '--listen', ':8080'],
        ports: [{ name: container, containerPort: container === 'web' ? 8080 : 9090 }],
        env: [
          { name: 'MODE', value: 'production' },
          { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
          { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'app', key: 'token' } } },
        ],
        resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
        readinessProbe: { httpGet: { path: '/ready', port: container }, periodSeconds: 5 },
      })),
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  }
  const missing = 2048 - JSON.stringify(body).length
  body.metadata.annotations['example.com/note'] = 'x'.repeat(Math.max(0, missing))
  return JSON.stringify(body)
}
