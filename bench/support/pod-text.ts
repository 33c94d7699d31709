/** A pod of 2 KB as JSON. */
export function podText(name: string): string {
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
