import { afterEach, describe, expect, it } from 'vitest'
import { Lease } from '../models/kinds/coordination/lease.ts'
import { Node } from '../models/kinds/core/node.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { container, Fixture } from './testing/fixture.ts'

let fixture: Fixture
afterEach(() => fixture[Symbol.asyncDispose]())
const start = async (more = {}) => (fixture = await new Fixture(more).start())

describe('a pod', () => {
  it('is started, reported and told of in events', async () => {
    const f = await start()
    const pod = await f.run('web')
    expect(pod.status).toMatchObject({
      phase: 'Running',
      hostIP: '10.0.0.1',
      podIP: '10.244.0.2',
      podIPs: [{ ip: '10.244.0.2' }],
      qosClass: 'BestEffort',
      containerStatuses: [
        { name: 'web', ready: true, started: true, restartCount: 0, image: 'registry/web:1', state: { running: {} } },
      ],
    })
    expect(pod.status!.containerStatuses![0]!.containerID).toMatch(/^simulated:\/\//)
    expect(pod.status!.conditions!.map(c => `${c.type}=${c.status}`)).toEqual([
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ])
    expect(f.events().slice(1)).toEqual([
      'Pulling: Pulling image "registry/web:1"',
      expect.stringMatching(/^Pulled: Successfully pulled image "registry\/web:1" in /),
      'Created: Created container: web',
      'Started: Started container web',
    ])
  })

  it('costs one status write from creation to running', async () => {
    const f = await start()
    await f.run('web')
    expect(f.api.writes.filter(w => w === 'patch pods default/web')).toHaveLength(1)
  })

  it('is restarted with growing delays when it crashes, and its count survives the agent', async () => {
    const f = await start()
    await f.run('web', {}, { 'exit-code': '3', 'exit-after': '1s' })
    await f.advance(3_000)
    let status = f.pod('web')!.status!.containerStatuses![0]!
    expect(status).toMatchObject({
      ready: false,
      restartCount: 1,
      state: {
        waiting: {
          reason: 'CrashLoopBackOff',
          message: 'back-off 10s restarting failed container=web pod=web_default(uid-web)',
        },
      },
      lastState: { terminated: { exitCode: 3, reason: 'Error' } },
    })
    expect(f.pod('web')!.status!.phase).toBe('Running')
    await f.advance(10_000)
    status = f.pod('web')!.status!.containerStatuses![0]!
    expect(status.restartCount).toBe(2)
    await f.restartAgent()
    await f.advance(1_000)
    expect(f.pod('web')!.status!.containerStatuses![0]!.restartCount).toBe(2)
    expect(f.events().some(e => e.startsWith('BackOff: Back-off restarting failed container web'))).toBe(true)
  })

  it('that ended is Succeeded or Failed by its exit codes, and its address is given back', async () => {
    const f = await start()
    await f.run('good', { restartPolicy: 'Never' }, { 'exit-after': '1s' })
    await f.run(
      'bad',
      { restartPolicy: 'Never' },
      { 'exit-code': '1', 'exit-after': '1s', 'termination-message': 'oh' },
    )
    await f.advance(3_000)
    expect(f.pod('good')!.status).toMatchObject({
      phase: 'Succeeded',
      containerStatuses: [{ ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
    })
    expect(f.pod('bad')!.status).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { terminated: { exitCode: 1, reason: 'Error', message: 'oh' } } }],
    })
    expect((await f.observed('good'))!.sandboxes[0]!.state).toBe('stopped')
  })

  it('waits with a reason when its image cannot be pulled, and tries again', async () => {
    const f = await start()
    const pod = await f.run('web', {}, { 'pull-error': 'manifest unknown' })
    const waiting = () => f.pod('web')!.status!.containerStatuses![0]!.state!.waiting!
    expect(pod.status!.phase).toBe('Pending')
    expect(waiting()).toMatchObject({ reason: 'ErrImagePull', message: expect.stringContaining('manifest unknown') })
    // What is said once is enough.
    expect(waiting().message!.match(/manifest unknown/g)).toHaveLength(1)
    await f.advance(3_000)
    expect(waiting().reason).toBe('ImagePullBackOff')
    await f.advance(10_000)
    expect(f.events().filter(e => e.startsWith('Pulling')).length).toBe(1)
    expect(f.events()).toContain('BackOff: Back-off pulling image "registry/web:1"')
  })

  it('does not wait longer than a second for a runtime that was away and is back', async () => {
    const f = await start()
    f.runtime.setAvailable(false)
    await f.run('web')
    await f.advance(10_000)
    expect(f.pod('web')!.status?.phase ?? 'Pending').toBe('Pending')
    f.runtime.setAvailable(true)
    await f.advance(1_500)
    expect(f.pod('web')!.status!.phase).toBe('Running')
  })

  it('runs its init containers one after the other, then its sidecars and main containers', async () => {
    const f = await start()
    await f.run(
      'web',
      {
        initContainers: [container('one'), container('side', { restartPolicy: 'Always' }), container('two')],
        containers: [container('web')],
      },
      { 'exit-after.one': '2s', 'exit-after.two': '2s' },
    )
    expect(f.pod('web')!.status).toMatchObject({
      phase: 'Pending',
      containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    })
    const initialized = () => f.pod('web')!.status!.conditions!.find(c => c.type === 'Initialized')!
    expect(initialized()).toMatchObject({
      status: 'False',
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [one side two]',
    })
    await f.advance(2_500)
    expect(initialized().message).toBe('containers with incomplete status: [two]')
    await f.advance(2_500)
    expect(f.pod('web')!.status).toMatchObject({ phase: 'Running' })
    expect(f.pod('web')!.status!.initContainerStatuses!.map(s => s.ready)).toEqual([true, true, true])
    expect(initialized().status).toBe('True')
  })

  it('is ended gracefully, sidecars last, and its record goes when nothing is left', async () => {
    const f = await start()
    await f.run(
      'web',
      { initContainers: [container('side', { restartPolicy: 'Always' })] },
      { 'stop-delay.web': '3s', 'stop-delay.side': '1s' },
    )
    await f.api.client.delete(Pod, { namespace: 'default', name: 'web' })
    await f.advance(2_000)
    expect(f.pod('web')!.status!.containerStatuses![0]!.state).toHaveProperty('running')
    await f.advance(1_500)
    expect(f.pod('web')!.status!.initContainerStatuses![0]!.state).toHaveProperty('running')
    await f.advance(2_000)
    expect(f.pod('web')).toBeUndefined()
    expect(await f.observed('web')).toBeUndefined()
    expect(f.events()).toContain('Killing: Stopping container web')
  })

  it('that ignores its stop signal is killed after its grace period, which a second deletion shortens', async () => {
    const f = await start()
    await f.run('web', {}, { 'ignore-sigterm': 'true' })
    await f.api.client.delete(Pod, { namespace: 'default', name: 'web' })
    await f.advance(5_000)
    expect(f.pod('web')).toBeDefined()
    await f.api.client.delete(Pod, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 7 })
    await f.advance(3_000)
    expect(f.pod('web')).toBeUndefined()
  })

  it('deleted while a container of it is being started lets it start, and stops it then', async () => {
    const f = await start()
    await f.run('web', {}, { 'start-delay': '3s' })
    await f.api.client.delete(Pod, { namespace: 'default', name: 'web' })
    await f.advance(1_000)
    expect(f.pod('web')!.status!.containerStatuses![0]!.state).toEqual({ waiting: { reason: 'ContainerCreating' } })
    await f.advance(4_000)
    expect(f.pod('web')).toBeUndefined()
    expect(f.events().slice(-3)).toEqual([
      'Created: Created container: web',
      'Started: Started container web',
      'Killing: Stopping container web',
    ])
    expect(await f.observed('web')).toBeUndefined()
  })

  it('whose record was taken away by force is ended all the same', async () => {
    const f = await start()
    await f.run('web', {}, { 'ignore-sigterm': 'true' })
    await f.api.client.delete(Pod, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
    await f.advance(2_500)
    expect(await f.observed('web')).toBeUndefined()
  })

  it('that is critical has lesser ones end for it, and starts when they have; without enough of them it is refused', async () => {
    const f = await start({ simulated: { capacity: { cpu: '2' } } })
    const asks = (cpu: string) => ({ containers: [container('web', { resources: { requests: { cpu } } })] })
    await f.run('idle')
    await f.run('lesser', { ...asks('1500m'), terminationGracePeriodSeconds: 5 }, { 'ignore-sigterm': 'true' })
    await f.run('vital', { ...asks('1'), priority: 2_000_000_000 })
    await f.run('huge', { ...asks('3'), priority: 2_000_001_000 })
    expect(f.pod('huge')!.status).toMatchObject({ phase: 'Failed', reason: 'UnexpectedAdmissionError' })
    await f.advance(3_000)
    expect([f.pod('lesser')!.status!.phase, f.pod('vital')!.status?.phase]).toEqual(['Running', undefined])
    await f.advance(4_000)
    const { phase, reason, message, conditions } = f.pod('lesser')!.status!
    expect({ phase, reason, message }).toEqual({
      phase: 'Failed',
      reason: 'Preempting',
      message: 'Preempted in order to admit critical pod',
    })
    expect(conditions!.find(c => c.type === 'DisruptionTarget')).toMatchObject({
      reason: 'TerminationByKubelet',
      message: 'Pod was preempted by Kubelet to accommodate a critical pod.',
    })
    expect(['vital', 'idle'].map(name => f.pod(name)!.status!.phase)).toEqual(['Running', 'Running'])
  })

  it('is refused when it does not fit, when its port is taken, when the node is not what it asks for', async () => {
    const f = await start({ simulated: { capacity: { cpu: '2' } } })
    await f.run('first', { containers: [container('web', { ports: [{ containerPort: 80, hostPort: 80 }] })] })
    await f.run('big', { containers: [container('web', { resources: { requests: { cpu: '3' } } })] })
    await f.run('port', { containers: [container('web', { ports: [{ containerPort: 8080, hostPort: 80 }] })] })
    await f.run('picky', { nodeSelector: { disk: 'ssd' } })
    await f.run('foreign', { os: { name: 'windows' } })
    await f.run('native', { os: { name: 'linux' } })
    const outcome = (name: string) => [f.pod(name)!.status!.phase, f.pod(name)!.status!.reason]
    expect(outcome('first')).toEqual(['Running', undefined])
    expect(outcome('big')).toEqual(['Failed', 'OutOfcpu'])
    expect(outcome('port')).toEqual(['Failed', 'NodePorts'])
    expect(outcome('picky')).toEqual(['Failed', 'NodeAffinity'])
    expect(outcome('foreign')).toEqual(['Failed', 'PodOSNotSupported'])
    expect(outcome('native')).toEqual(['Running', undefined])
    await f.api.client.delete(Pod, { namespace: 'default', name: 'big' })
    await f.advance(500)
    expect(f.pod('big')).toBeUndefined()
  })

  it('has its time: activeDeadlineSeconds ends it', async () => {
    const f = await start()
    await f.run('web', { activeDeadlineSeconds: 10 })
    await f.advance(11_000)
    expect(f.pod('web')!.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' })
    expect((await f.observed('web'))!.containers[0]!.state).toBe('exited')
  })

  it('is made anew when everything of it vanished behind the agent’s back', async () => {
    const f = await start()
    await f.run('web')
    await f.runtime.remove((await f.observed('web'))!.sandboxes[0]!.id)
    await f.advance(1_000)
    expect(f.pod('web')!.status).toMatchObject({
      phase: 'Running',
      containerStatuses: [
        { restartCount: 1, state: { running: {} }, lastState: { terminated: { reason: 'ContainerStatusUnknown' } } },
      ],
    })
  })

  it('that crashes begins with short waits again when it gets another image', async () => {
    const f = await start()
    await f.run('web', {}, { 'exit-code': '1', 'exit-after': '1s' })
    await f.advance(36_000)
    const status = () => f.pod('web')!.status!.containerStatuses![0]!
    expect(status()).toMatchObject({ restartCount: 3, state: { waiting: { message: expect.stringContaining('40s') } } })
    const pod = f.pod('web')!
    await f.api.client.update(Pod, {
      ...pod,
      spec: { ...pod.spec, containers: [container('web', { image: 'other:2' })] },
    })
    await f.advance(500)
    expect(status()).toMatchObject({ restartCount: 4, state: { running: {} } })
    await f.advance(1_500)
    expect(status()).toMatchObject({ restartCount: 4, state: { waiting: { message: expect.stringContaining('10s') } } })
  })

  it('goes on waiting where it was when the agent is replaced', async () => {
    const f = await start()
    await f.run('web', {}, { 'exit-code': '1', 'exit-after': '1s' })
    await f.advance(36_000)
    const status = () => f.pod('web')!.status!.containerStatuses![0]!
    expect(status()).toMatchObject({ restartCount: 3, state: { waiting: { message: expect.stringContaining('40s') } } })
    await f.restartAgent()
    expect(status()).toMatchObject({ restartCount: 3, state: { waiting: { message: expect.stringContaining('40s') } } })
  })

  it('has its status put right when somebody else writes over it', async () => {
    const f = await start()
    const pod = await f.run('web')
    await f.api.client.updateStatus(Pod, { ...pod, status: { ...pod.status, phase: 'Pending', podIP: '1.1.1.1' } })
    await f.advance(1_000)
    expect(f.pod('web')!.status).toMatchObject({ phase: 'Running', podIP: pod.status!.podIP })
  })

  it('held by a finalizer is given up by the agent once', async () => {
    const f = await start()
    const pod = await f.run('web')
    await f.api.client.update(Pod, { ...pod, metadata: { ...pod.metadata, finalizers: ['example.com/hold'] } })
    await f.api.client.delete(Pod, { namespace: 'default', name: 'web' })
    await f.advance(60_000)
    expect(await f.observed('web')).toBeUndefined()
    const held = f.pod('web')!
    expect(held.status!.phase).toBe('Succeeded')
    held.metadata.annotations!['touched'] = 'yes'
    await f.api.client.update(Pod, held)
    await f.advance(60_000)
    expect(f.api.writes.filter(w => w === 'delete pods default/web')).toHaveLength(2)
  })

  it('gets a new sandbox when its own died', async () => {
    const f = await start()
    await f.run('web')
    const before = (await f.observed('web'))!
    await f.runtime.stopSandbox(before.sandboxes[0]!.id)
    await f.advance(1_000)
    const after = (await f.observed('web'))!
    expect(after.sandboxes[0]).toMatchObject({ attempt: 1, state: 'ready' })
    expect(f.pod('web')!.status).toMatchObject({
      phase: 'Running',
      podIP: after.sandboxes[0]!.ips[0],
      containerStatuses: [{ restartCount: 1, state: { running: {} } }],
    })
  })
})

describe('probes', () => {
  const readinessProbe = { httpGet: { port: 80 }, periodSeconds: 10 }

  it('make a pod ready as soon as it answers, not a period later', async () => {
    const f = await start()
    await f.run('web', { containers: [container('web', { readinessProbe })] }, { 'ready-after': '1s' })
    const ready = () => f.pod('web')!.status!.containerStatuses![0]!.ready
    expect(ready()).toBe(false)
    await f.advance(1_500)
    expect(ready()).toBe(true)
  })

  it('end a container that is not alive, and say so', async () => {
    const f = await start()
    const livenessProbe = { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 2 }
    await f.run('web', { containers: [container('web', { livenessProbe })] }, { 'unhealthy-after': '5s' })
    await f.advance(9_000)
    expect(f.pod('web')!.status!.containerStatuses![0]!.restartCount).toBe(1)
    expect(f.events()).toContain('Killing: Container web failed liveness probe, will be restarted')
    expect(f.events()).toContain('Unhealthy: Liveness probe failed: simulated liveness probe of :80/ failed')
  })

  it('end a container that is not alive for another run, even if it then ends well and only failures are run again', async () => {
    const f = await start()
    const livenessProbe = { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 2 }
    const containers = [container('web', { livenessProbe })]
    await f.run('again', { containers, restartPolicy: 'OnFailure' }, { 'unhealthy-after': '5s' })
    await f.run('once', { containers, restartPolicy: 'Never' }, { 'unhealthy-after': '5s' })
    await f.advance(9_000)
    expect(f.pod('again')!.status).toMatchObject({
      phase: 'Running',
      containerStatuses: [{ restartCount: 1, lastState: { terminated: { exitCode: 0 } } }],
    })
    expect(f.pod('once')!.status).toMatchObject({ phase: 'Succeeded', containerStatuses: [{ restartCount: 0 }] })
    expect(f.events()).toContain('Killing: Container web failed liveness probe')
  })

  it('keep a pod ready over a restart of the agent', async () => {
    const f = await start()
    await f.run('web', { containers: [container('web', { readinessProbe })] })
    await f.advance(500)
    f.api.writes.length = 0
    await f.restartAgent()
    await f.advance(15_000)
    expect(f.pod('web')!.status!.containerStatuses![0]).toMatchObject({ ready: true, restartCount: 0 })
    expect(f.api.writes.filter(w => w.includes('pods'))).toEqual([])
  })
})

describe('while the server is away', () => {
  it('for ten minutes pods run on, are probed and restarted, and 5 s after its return their status is right', async () => {
    const f = await start()
    await f.run('web')
    const livenessProbe = { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 1 }
    await f.run('sick', { containers: [container('web', { livenessProbe })] }, { 'unhealthy-after': '300s' })
    f.api.goAway()
    const [first] = (await f.observed('web'))!.containers
    f.runtime.crash(first!.id, { exitCode: 7 })
    await f.advance(600_000)
    expect((await f.observed('web'))!.containers.find(c => c.attempt === 1)!.state).toBe('running')
    expect(f.pod('sick')!.status!.containerStatuses![0]!.restartCount).toBe(0)
    f.api.comeBack()
    await f.advance(5_000)
    expect(f.pod('sick')!.status!.containerStatuses![0]!.restartCount).toBeGreaterThan(0)
    expect(f.pod('web')!.status!.containerStatuses![0]).toMatchObject({
      restartCount: 1,
      ready: true,
      lastState: { terminated: { exitCode: 7 } },
    })
  })

  it('a pod deleted while the agent was down is ended when it returns', async () => {
    const f = await start()
    await f.run('web')
    await f.agent.stop()
    await f.api.client.delete(Pod, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 })
    expect(await f.observed('web')).toBeDefined()
    await f.restartAgent()
    await f.advance(2_000)
    expect(await f.observed('web')).toBeUndefined()
  })
})

describe('the node', () => {
  it('is registered with what it has, and beats', async () => {
    const f = await start({ simulated: { capacity: { cpu: '4' } }, labels: { zone: 'a' } })
    const node = () => f.api.find(Node, { name: 'node-1' })!
    expect(node()).toMatchObject({
      metadata: { labels: { 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux', zone: 'a' } },
      status: {
        capacity: { cpu: '4', memory: '32Gi', pods: '110' },
        allocatable: { cpu: '4', memory: '32Gi', pods: '110' },
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { containerRuntimeVersion: 'simulated://1.0.0', kubeletVersion: 'v1.32.0' },
      },
    })
    expect(node().status!.conditions!.find(c => c.type === 'Ready')).toMatchObject({ status: 'True' })
    const lease = () => f.api.find(Lease, { namespace: 'kube-node-lease', name: 'node-1' })!.spec.renewTime
    const before = lease()
    f.api.writes.length = 0
    await f.advance(30_000)
    expect(lease()).not.toBe(before)
    expect(f.api.writes.filter(w => w.includes('leases')).length).toBe(3)
    expect(f.api.writes.filter(w => w.includes('nodes'))).toEqual([])
    await f.advance(300_000)
    expect(f.api.writes.filter(w => w.includes('nodes')).length).toBe(1)
  })

  it('keeps capacity that others entered, and offers it', async () => {
    const f = await start()
    const node = f.api.find(Node, { name: 'node-1' })!
    node.status!.capacity!['example.com/gpu'] = '2'
    await f.api.client.updateStatus(Node, node)
    await f.advance(310_000)
    expect(f.api.find(Node, { name: 'node-1' })!.status).toMatchObject({
      capacity: { 'example.com/gpu': '2' },
      allocatable: { 'example.com/gpu': '2' },
    })
  })

  it('says what it is made of, whatever others write there; other labels are theirs', async () => {
    const f = await start()
    const labels = { 'kubernetes.io/os': 'plan9', 'kubernetes.io/arch': 'pdp11', rack: 'r1' }
    await f.api.client.patch(Node, { name: 'node-1' }, { type: 'merge', body: { metadata: { labels } } })
    await f.advance(11_000)
    const now = f.api.find(Node, { name: 'node-1' })!.metadata.labels!
    expect([now['kubernetes.io/os'], now['kubernetes.io/arch'], now['rack']]).toEqual(['linux', 'amd64', 'r1'])
  })

  it('registers anew when somebody deletes it', async () => {
    const f = await start()
    await f.api.client.delete(Node, { name: 'node-1' })
    await f.api.client.delete(Lease, { namespace: 'kube-node-lease', name: 'node-1' })
    await f.advance(15_000)
    expect(f.api.find(Node, { name: 'node-1' })).toBeDefined()
  })

  it('is not ready while its runtime is gone', async () => {
    const f = await start()
    f.runtime.setAvailable(false)
    await f.advance(70_000)
    const ready = () => f.api.find(Node, { name: 'node-1' })!.status!.conditions!.find(c => c.type === 'Ready')!
    expect(ready()).toMatchObject({ status: 'False', reason: 'KubeletNotReady' })
    f.runtime.setAvailable(true)
    await f.advance(15_000)
    expect(ready().status).toBe('True')
  })
})

describe('a pod that is deleted before its containers ran', () => {
  it('is over as Failed before its record goes, for those who count ended pods', async () => {
    const f = await start()
    await f.run('plain', {}, { 'pull-delay': '60s' })
    await f.run('initial', { initContainers: [container('init')] }, { 'pull-delay': '60s' })
    for (const name of ['plain', 'initial']) {
      const pod = f.pod(name)!
      await f.api.client.update<Pod>(Pod, { ...pod, metadata: { ...pod.metadata, finalizers: ['test/held'] } })
      await f.api.client.delete(Pod, { namespace: 'default', name })
    }
    await f.advance(5_000)
    expect(f.pod('plain')!.status).toMatchObject({
      phase: 'Failed',
      containerStatuses: [
        {
          state: {
            terminated: {
              exitCode: 137,
              reason: 'ContainerStatusUnknown',
              message: 'The container could not be located when the pod was terminated',
            },
          },
        },
      ],
    })
    expect(f.pod('initial')!.status).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    })
  })
})
