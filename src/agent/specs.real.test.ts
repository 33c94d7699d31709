import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigMap } from '../models/kinds/core/config-map.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { Secret } from '../models/kinds/core/secret.ts'
import type { VolumeMount } from '../models/types/core-v1.ts'
import { forever, RealNode } from './testing/real-node.ts'

let node: RealNode

beforeAll(async () => {
  node = await RealNode.open('10.219.32.0/20')
})

afterAll(async () => {
  try {
    expect(await node.leaks()).toEqual([])
  } finally {
    await node[Symbol.asyncDispose]()
  }
})

describe('what the conformance suite asks of pods with unusual ends', () => {
  it('each restart policy gives its restarts, phase and readiness', async () => {
    const script = `echo x >> /count/f; n=$(wc -l < /count/f); [ $n -eq 1 ] && exit 1; [ $n -eq 2 ] && exit 0; ${forever}`
    for (const restartPolicy of ['OnFailure', 'Never'] as const)
      await node.run(`policy-${restartPolicy.toLowerCase()}`, {
        restartPolicy,
        containers: [node.sh(script, { volumeMounts: [{ name: 'count', mountPath: '/count' }] })],
        volumes: [{ name: 'count', emptyDir: { medium: 'Memory' } }],
      })
    const onFailure = await node.ends('policy-onfailure')
    expect(onFailure.status).toMatchObject({
      phase: 'Succeeded',
      containerStatuses: [
        {
          restartCount: 1,
          ready: false,
          state: { terminated: { exitCode: 0, reason: 'Completed' } },
          lastState: { terminated: { exitCode: 1, reason: 'Error' } },
        },
      ],
    })
    const never = await node.ends('policy-never')
    expect(never.status).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ restartCount: 0, ready: false, state: { terminated: { exitCode: 1, reason: 'Error' } } }],
    })
    const conditions = Object.fromEntries(never.status!.conditions!.map(c => [c.type, `${c.status} ${c.reason ?? ''}`]))
    expect(conditions).toMatchObject({ Ready: 'False PodFailed', ContainersReady: 'False PodFailed' })
  })

  it('last words come from the file of a user without rights, from the log after an error, and from nowhere else', async () => {
    const fallback = { terminationMessagePolicy: 'FallbackToLogsOnError' } as const
    const cases: [name: string, script: string, more: object, phase: string, message: string | undefined][] = [
      [
        'custom',
        'echo -n DONE > /dev/termination-custom-log',
        { terminationMessagePath: '/dev/termination-custom-log', securityContext: { runAsUser: 10_000 } },
        'Succeeded',
        'DONE',
      ],
      ['log', 'echo -n DONE; exit 1', fallback, 'Failed', 'DONE'],
      ['quiet', 'echo -n DONE', fallback, 'Succeeded', undefined],
      ['file', 'echo -n OK > /dev/termination-log; echo DONE', fallback, 'Succeeded', 'OK'],
    ]
    for (const [name, script, more] of cases)
      await node.run(`words-${name}`, { restartPolicy: 'Never', containers: [node.sh(script, more)] })
    for (const [name, , , phase, message] of cases) {
      const { status } = await node.ends(`words-${name}`)
      expect([name, status!.phase, status!.containerStatuses![0]!.state!.terminated!.message]).toEqual([
        name,
        phase,
        message,
      ])
    }
  })

  it('a pod whose init container fails never starts its main containers, and says so', async () => {
    await node.run('init-fails', {
      restartPolicy: 'Never',
      initContainers: [node.sh('true', { name: 'one' }), node.sh('exit 1', { name: 'two' })],
    })
    const { status } = await node.ends('init-fails')
    expect(status).toMatchObject({
      phase: 'Failed',
      initContainerStatuses: [
        { ready: true, state: { terminated: { exitCode: 0 } } },
        { ready: false, state: { terminated: { exitCode: 1, reason: 'Error' } } },
      ],
      containerStatuses: [{ ready: false, restartCount: 0, state: { waiting: { reason: 'PodInitializing' } } }],
    })
    expect(status!.conditions!.find(c => c.type === 'Initialized')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [two]',
    })
  })

  it('a pod with a safe sysctl has it, and one with an unsafe sysctl is refused', async () => {
    const sysctl = (name: string, value: string) => ({ securityContext: { sysctls: [{ name, value }] } })
    await node.run('sysctl', {
      restartPolicy: 'Never',
      ...sysctl('kernel.shm_rmid_forced', '1'),
      containers: [node.sh('sysctl kernel.shm_rmid_forced')],
    })
    await node.run('sysctl-unsafe', { restartPolicy: 'Never', ...sysctl('kernel.msgmax', '10000000000') })
    expect((await node.ends('sysctl')).status!.phase).toBe('Succeeded')
    expect(await node.output('sysctl')).toBe('kernel.shm_rmid_forced = 1\n')
    expect((await node.ends('sysctl-unsafe')).status).toMatchObject({
      phase: 'Failed',
      reason: 'SysctlForbidden',
      message: 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
    })
  })

  it('a deadline that is set later ends the pod', async () => {
    await node.run('deadline', {})
    await node.isReady('deadline')
    await node.client.patch(
      Pod,
      { namespace: 'test', name: 'deadline' },
      { type: 'merge', body: { spec: { activeDeadlineSeconds: 1 } } },
    )
    expect((await node.ends('deadline')).status).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    })
  })
})

describe('what the conformance suite asks of subPathExpr', () => {
  const expr = (value: string) => ({
    restartPolicy: 'Never' as const,
    containers: [
      node.sh(forever, {
        env: [{ name: 'WHERE', value }],
        volumeMounts: [{ name: 'work', mountPath: '/logs', subPathExpr: '$(WHERE)' }],
      }),
    ],
    volumes: [{ name: 'work', emptyDir: {} }],
  })

  it.each([
    ['dots', '..'],
    ['absolute', '/tmp'],
  ])('one that leads out is an error of the configuration: %s', async (name, value) => {
    await node.run(name, expr(value))
    await node.when(
      name,
      'refused',
      pod => pod.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    )
  })

  it('one that failed works after its annotation came, and a later change harms nothing', async () => {
    await node.run(
      'annotated',
      {
        containers: [
          node.sh(forever, {
            env: [
              { name: 'NAME', value: 'foo' },
              { name: 'NOTE', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['sub']" } } },
            ],
            volumeMounts: [
              { name: 'work', mountPath: '/part', subPathExpr: '$(NOTE)/$(NAME)' },
              { name: 'work', mountPath: '/whole' },
            ],
          }),
        ],
        volumes: [{ name: 'work', emptyDir: {} }],
      },
      { other: 'path' },
    )
    await node.when('annotated', 'refused', pod => pod.status?.containerStatuses?.[0]?.state?.waiting?.message)
    const note = (sub: string) =>
      node.client.patch(
        Pod,
        { namespace: 'test', name: 'annotated' },
        { type: 'merge', body: { metadata: { annotations: { sub } } } },
      )
    await note('mine')
    await node.isReady('annotated')
    expect(await node.inside('annotated', 'sh', '-c', 'touch /part/file; ls /whole/mine/foo')).toBe('file\n')
    await note('other')
    await node.remove('annotated')
  })
})

describe('what the conformance suite asks of volumes', () => {
  it('every sort of written file can be mounted alone, over a file that is there', async () => {
    await node.client.create<ConfigMap>(ConfigMap, {
      metadata: { name: 'parts', namespace: 'test' },
      data: { text: 'config' },
      binaryData: { bytes: Buffer.from([0xde, 0xca]).toString('base64') },
    })
    await node.client.create<Secret>(Secret, {
      metadata: { name: 'parts', namespace: 'test' },
      data: { text: Buffer.from('secret').toString('base64') },
    })
    const mount = (name: string, subPath: string): VolumeMount => ({ name, subPath, mountPath: `/over/${name}` })
    const field = { path: 'name', fieldRef: { fieldPath: 'metadata.name' } }
    await node.run('subpaths', {
      restartPolicy: 'Never',
      containers: [
        node.sh(
          'cat /over/*; od -An -tx1 /config/bytes; stat -L -c "%a %u:%g" /config/..data/text /all/text /all/deep/er',
          {
            securityContext: { runAsUser: 1000 },
            volumeMounts: [
              mount('config', 'text'),
              mount('secret', 'text'),
              mount('down', 'name'),
              mount('projected', 'deep/er'),
              { name: 'config', mountPath: '/etc/passwd', subPath: 'text' },
              { name: 'config', mountPath: '/config' },
              { name: 'projected', mountPath: '/all' },
            ],
          },
        ),
      ],
      securityContext: { fsGroup: 1001 },
      volumes: [
        { name: 'config', configMap: { name: 'parts', defaultMode: 0o440 } },
        { name: 'secret', secret: { secretName: 'parts' } },
        { name: 'down', downwardAPI: { items: [field] } },
        {
          name: 'projected',
          projected: {
            defaultMode: 0o400,
            sources: [
              { configMap: { name: 'parts', items: [{ key: 'text', path: 'deep/er', mode: 0o644 }] } },
              { secret: { name: 'parts' } },
              { downwardAPI: { items: [field] } },
            ],
          },
        },
      ],
    })
    await node.ends('subpaths')
    expect(await node.output('subpaths')).toBe('configsubpathsconfigsecret de ca\n440 0:1001\n440 0:1001\n644 0:1001\n')
  })

  it('an empty folder is everybody’s, on disk and in memory', async () => {
    const look = (path: string) => `stat -c "%a" ${path}; echo hi > ${path}/f; stat -c "%a %u" ${path}/f; `
    await node.run('empty', {
      restartPolicy: 'Never',
      containers: [
        node.sh(`${look('/disk')}${look('/memory')}grep -o "/memory tmpfs" /proc/mounts`, {
          securityContext: { runAsUser: 1001 },
          volumeMounts: [
            { name: 'disk', mountPath: '/disk' },
            { name: 'memory', mountPath: '/memory' },
          ],
        }),
      ],
      volumes: [
        { name: 'disk', emptyDir: {} },
        { name: 'memory', emptyDir: { medium: 'Memory' } },
      ],
    })
    await node.ends('empty')
    // As with a kubelet, which leaves the sticky bit of what it mounts.
    expect(await node.output('empty')).toBe('777\n644 1001\n1777\n644 1001\n/memory tmpfs\n')
  })

  it('/etc/hosts is ours in a pod’s own network, unless the pod mounts its own', async () => {
    const hosts = join(node.folder, 'hosts')
    await writeFile(hosts, '10.9.8.7 theirs\n')
    const original = { name: 'host', mountPath: '/etc/hosts-original' }
    const volumes = [{ name: 'host', hostPath: { path: hosts, type: 'FileOrCreate' as const } }]
    const show = 'head -n1 /etc/hosts; tail -n1 /etc/hosts'
    await node.run('hosts', {
      restartPolicy: 'Never',
      hostAliases: [{ ip: '123.45.67.89', hostnames: ['foo', 'bar'] }],
      containers: [
        node.sh(show, { volumeMounts: [original] }),
        node.sh(show, { name: 'own', volumeMounts: [original, { name: 'host', mountPath: '/etc/hosts' }] }),
      ],
      volumes,
    })
    await node.run('hosts-of-node', {
      restartPolicy: 'Never',
      hostNetwork: true,
      containers: [node.sh('head -n1 /etc/hosts', { volumeMounts: [original] })],
      volumes,
    })
    await node.ends('hosts')
    expect(await node.output('hosts')).toBe('# Kubernetes-managed hosts file.\n123.45.67.89\tfoo\tbar\n')
    expect(await node.output('hosts', 'own')).toBe('10.9.8.7 theirs\n10.9.8.7 theirs\n')
    await node.ends('hosts-of-node')
    expect(await node.output('hosts-of-node')).toBe('# Kubernetes-managed hosts file (host network).\n')
    expect(await readFile(hosts, 'utf8')).toBe('10.9.8.7 theirs\n')
  })
})

describe('what the conformance suite asks of rights', () => {
  it('a user, a group, no new rights, a read-only root, and no say over the network', async () => {
    const cases: [name: string, script: string, more: object, says: string][] = [
      ['ids', 'id', { securityContext: { runAsUser: 1001, runAsGroup: 2002 } }, 'uid=1001 gid=2002 groups=2002\n'],
      ['nobody', 'id -u', { securityContext: { runAsUser: 65_534 } }, '65534\n'],
      ['frozen', 'echo x > /file; ls /file', { securityContext: { readOnlyRootFilesystem: true } }, ''],
      [
        'tame',
        'grep NoNewPrivs /proc/self/status',
        { securityContext: { allowPrivilegeEscalation: false, runAsUser: 1000 } },
        'NoNewPrivs:\t1\n',
      ],
      [
        'plain',
        'ip link add dummy0 type dummy',
        { securityContext: { privileged: false } },
        'ip: RTNETLINK answers: Operation not permitted\n',
      ],
    ]
    for (const [name, script, more] of cases)
      await node.run(`rights-${name}`, {
        restartPolicy: 'Never',
        containers: [node.sh(`${script} 2>&1 || true`, more)],
      })
    for (const [name, , , says] of cases) {
      await node.ends(`rights-${name}`)
      const output = await node.output(`rights-${name}`)
      if (name === 'frozen') expect(output).toContain('Read-only file system')
      else expect([name, output]).toEqual([name, says])
    }
  })
})
