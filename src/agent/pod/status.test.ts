import { expect, it } from 'vitest'
import type { Pod } from '../../models/types/core-v1.ts'
import type { ObservedPod } from '../../runtime/runtime.ts'
import { retryDelayMs } from './back-off.ts'
import { tellBackOff } from './back-off-events.ts'
import { newRecords } from './records.ts'
import { podStatus } from './status.ts'

it('containers that mount a volume whose image is not there wait for that image, the others for their turn', () => {
  const now = 1_000_000
  const mount = { name: 'model', mountPath: '/model' }
  const pod = {
    metadata: { name: 'web', namespace: 'shop', uid: 'u' },
    spec: {
      containers: [
        { name: 'app', image: 'app:1', volumeMounts: [mount] },
        { name: 'other', image: 'other:1' },
      ],
      volumes: [{ name: 'model', image: { reference: 'model:1' } }],
    },
  } as Pod
  const failure = { count: 1, atMonoMs: now, reason: 'ErrImagePull', message: 'manifest unknown', volume: 'model' }
  const records = { ...newRecords(now, now), failures: new Map([['volumes', failure]]) }
  const host = { hostIps: ['10.0.0.1'], runtimeName: 'containerd' }
  const at = (monoMs: number) =>
    podStatus({ pod, gone: false, observed: undefined, records, nowMs: monoMs, monoMs }, host)
  const waiting = (monoMs: number) => at(monoMs).containerStatuses!.map(({ state }) => state!.waiting)
  const creating = { reason: 'ContainerCreating' }
  expect(waiting(now)).toEqual([{ reason: 'ErrImagePull', message: 'manifest unknown' }, creating])
  const message = 'Back-off pulling image "model:1": manifest unknown'
  expect(waiting(now + 2_000)).toEqual([{ reason: 'ImagePullBackOff', message }, creating])
  expect(retryDelayMs('volumes', failure)).toBe(10_000)
  const told: string[] = []
  const events = {
    normal: (_: unknown, reason: string, text: string) => told.push(`${reason}: ${text}`),
    warning: (_: unknown, reason: string, text: string) => told.push(`${reason}: ${text}`),
  }
  tellBackOff(events as never, pod, at(now), at(now + 2_000))
  expect(told).toEqual(['BackOff: Back-off pulling image "model:1"', 'Failed: Error: ImagePullBackOff'])
})

it.each([
  ['OnFailure', 0, true, undefined],
  ['Never', 1, true, undefined],
  ['OnFailure', 0, false, 0],
  ['Always', 0, true, 0],
] as const)(
  'a container that ended so that it starts anew is not told as over where the API would hold it to that: %s, exit %d',
  (restartPolicy, exitCode, isReplaced, told) => {
    const now = 1_000_000
    const pod = {
      metadata: { name: 'web', namespace: 'shop', uid: 'u' },
      spec: { restartPolicy, containers: [{ name: 'app', image: 'app:1' }] },
    } as Pod
    const ended = { id: 'app0', sandbox: 's', name: 'app', attempt: 0, image: 'app:1', imageRef: 'r', state: 'exited' }
    const observed = {
      ...{ uid: 'u', name: 'web', namespace: 'shop' },
      sandboxes: [{ id: 's', attempt: 0, state: 'ready', createdAtMs: 0, ips: [] }],
      containers: [{ ...ended, exitCode, createdAtMs: 0, labels: {}, annotations: {} }],
    } as unknown as ObservedPod
    const records = {
      ...newRecords(now, now),
      ended: new Map([['app0', { atMonoMs: now, message: '' }]]),
      replaced: new Set(isReplaced ? ['app0'] : []),
    }
    const host = { hostIps: ['10.0.0.1'], runtimeName: 'containerd' }
    const [status] = podStatus({ pod, gone: false, observed, records, nowMs: now, monoMs: now }, host)
      .containerStatuses!
    expect(status!.state!.terminated?.exitCode).toBe(told)
    if (told === undefined) expect(status!.lastState!.terminated?.exitCode).toBe(exitCode)
  },
)
