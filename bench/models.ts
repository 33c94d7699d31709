/** What the models cost per object: `npx tsx bench/models.ts`. */
import { encodeJson } from '../src/models/encode-json.ts'
import { parseJson } from '../src/models/json.ts'
import { Pod } from '../src/models/kinds/index.ts'
import { applyPatch } from '../src/models/patch/index.ts'
import { decodeProtobuf, encodeProtobuf } from '../src/models/protobuf/index.ts'
import { applySchemaDefaults, decode, validateStructure } from '../src/models/schema/index.ts'
import { rowOf } from '../src/models/table.ts'
import { parseYaml } from '../src/models/yaml.ts'

const container = (name: string) => ({
  name,
  image: `registry.example.com/team/${name}:1.2.3`,
  command: ['/bin/server', '--listen', ':8080'],
  ports: [{ name: 'http', containerPort: 8080 }],
  env: [
    { name: 'MODE', value: 'production' },
    { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
    { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'app', key: 'token' } } },
  ],
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '512Mi' } },
  volumeMounts: [{ name: 'data', mountPath: '/data' }],
  readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 5 },
  livenessProbe: { tcpSocket: { port: 8080 } },
  securityContext: { runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
})
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web-6d4b75cb6d-x7f2k',
    namespace: 'default',
    labels: { app: 'web', tier: 'front', 'pod-template-hash': '6d4b75cb6d' },
    annotations: { 'example.com/revision': '42' },
    ownerReferences: [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-6d4b75cb6d', uid: 'u', controller: true },
    ],
  },
  spec: {
    containers: [container('web'), container('sidecar')],
    volumes: [{ name: 'data', emptyDir: {} }],
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ],
    terminationGracePeriodSeconds: 30,
  },
}
const text = JSON.stringify(pod)
const yaml = JSON.stringify(pod, null, 1)
const { object } = decode<any>(Pod, pod)
const protobuf = encodeProtobuf(object)
const patch = { spec: { containers: [{ name: 'web', image: 'x' }] } }

function measure(name: string, work: () => unknown): void {
  const until = (ms: number) => {
    const start = performance.now()
    let runs = 0
    for (; performance.now() - start < ms; runs += 50) for (let i = 0; i < 50; i++) work()
    return ((performance.now() - start) * 1000) / runs
  }
  until(300)
  const micros = Math.min(until(300), until(300), until(300))
  console.log(`${name.padEnd(52)} ${micros.toFixed(1).padStart(8)} µs`)
}

console.log(`a pod of ${text.length} bytes of JSON, ${protobuf.length} of protobuf`)
measure('JSON.parse', () => JSON.parse(text))
measure('parseJson', () => parseJson(text))
measure('parseJson, duplicates found', () => parseJson(text, { duplicates: true }))
measure('parseYaml', () => parseYaml(yaml))
measure('decode', () => decode(Pod, pod))
measure('decode + schema defaults + structure', () => {
  const decoded = decode(Pod, pod).object
  applySchemaDefaults(Pod.schema, decoded)
  return validateStructure(Pod.schema, decoded)
})
measure('the same + the kind’s own defaults and validation', () => {
  const decoded = decode<any>(Pod, pod).object
  applySchemaDefaults(Pod.schema, decoded)
  Pod.defaults?.(decoded)
  return [...validateStructure(Pod.schema, decoded), ...(Pod.validate?.(decoded) ?? [])]
})
measure('encodeJson', () => encodeJson(object))
measure('decodeProtobuf', () => decodeProtobuf(protobuf))
measure('encodeProtobuf', () => encodeProtobuf(object))
measure('strategic merge patch', () => applyPatch(Pod, 'strategic', object, patch))
measure('table row', () => rowOf(Pod, object, 1_700_000_000_000))
