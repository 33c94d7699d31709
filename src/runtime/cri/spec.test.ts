import { expect, test } from 'vitest'
import { containerSpec, podSpec } from '../testing/specs.ts'
import { criProtocol } from './protocol.ts'
import { containerConfig, sandboxConfig } from './spec.ts'

const pod = podSpec('web', {
  uid: 'u-1',
  namespace: 'shop',
  hostname: 'web-0',
  dns: { servers: ['10.96.0.10'], searches: ['shop.svc'], options: ['ndots:5'] },
  portMappings: [{ protocol: 'UDP', containerPort: 53, hostPort: 5353, hostIp: '127.0.0.1' }],
  labels: { app: 'web' },
})

test('a pod becomes the sandbox that every CRI tool understands', () => {
  expect(sandboxConfig(pod, 'node-a')).toMatchObject({
    metadata: { name: 'web', uid: 'u-1', namespace: 'shop', attempt: 0 },
    hostname: 'web-0',
    labels: {
      app: 'web',
      'io.kubernetes.pod.name': 'web',
      'io.kubernetes.pod.namespace': 'shop',
      'io.kubernetes.pod.uid': 'u-1',
      'optiflow.dev/owner': 'node-a',
    },
    linux: { security_context: { namespace_options: { network: 'POD', pid: 'CONTAINER', ipc: 'POD' } } },
  })
})

test('host namespaces are passed on, and the host keeps its name', () => {
  const config = sandboxConfig({ ...pod, hostNetwork: true, hostPid: true, hostIpc: true })
  expect([config.hostname, config.linux.security_context.namespace_options]).toEqual([
    '',
    { network: 'NODE', pid: 'NODE', ipc: 'NODE' },
  ])
})

test('what is not asked for is not sent: zero is a user, absent is none', () => {
  const config = (more: object) =>
    containerConfig(containerSpec('i', 'sha256:1', 'x', { security: more }), sandboxConfig(pod)).linux.security_context
  expect(config({})).not.toHaveProperty('run_as_user')
  expect(config({ runAsUser: 0 })).toMatchObject({ run_as_user: { value: 0 } })
  expect(config({ privileged: true }).seccomp).toEqual({ profile_type: 'Unconfined' })
  expect(config({ seccomp: { localhost: '/p.json' } }).seccomp).toEqual({
    profile_type: 'Localhost',
    localhost_ref: '/p.json',
  })
  expect(config({}).masked_paths).toContain('/proc/keys')
  expect(config({ maskedPaths: [] }).masked_paths).toEqual([])
})

test('a message survives the wire, with the fields that the source of the protocol lacked', () => {
  const config = sandboxConfig(pod)
  const decoded = criProtocol.decode<typeof config>(
    'runtime.v1.PodSandboxConfig',
    criProtocol.encode('runtime.v1.PodSandboxConfig', config),
  )
  expect(decoded).toMatchObject(config)
  expect(decoded.dns_config?.options).toEqual(['ndots:5'])
  const container = containerConfig(containerSpec('i', 'sha256:1', 'x'), config)
  expect(
    criProtocol.decode('runtime.v1.ContainerConfig', criProtocol.encode('runtime.v1.ContainerConfig', container)),
  ).toMatchObject(container)
})
