import { expect, test } from 'vitest'
import type { Pod } from '../models/types/core-v1.ts'
import { troubledPod, troubleText } from './troubled-pod.ts'

const pod = (name: string, status: object, spec: object = { nodeName: 'a' }) =>
  ({ metadata: { name, namespace: 'default' }, spec: { containers: [], ...spec }, status }) as unknown as Pod
const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
const crashing = {
  phase: 'Running',
  containerStatuses: [
    {
      name: 'web',
      restartCount: 3,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
    },
  ],
}
const starting = {
  phase: 'Pending',
  containerStatuses: [{ name: 'web', state: { waiting: { reason: 'ContainerCreating' } } }],
}

test('the pod that is worst off is the one to explain', () => {
  const pods = [pod('well', ready), pod('starting', starting), pod('crashing', crashing)]
  expect(troubledPod(pods).metadata.name).toBe('crashing')
  expect(troubledPod(pods.slice(0, 2)).metadata.name).toBe('starting')
  expect(troubledPod(pods.slice(0, 1)).metadata.name).toBe('well')
})

test('a placed pod that does not serve says what its containers do, and its last warnings', () => {
  const events = [
    { type: 'Warning', reason: 'FailedScheduling', message: 'no nodes' },
    { type: 'Normal', reason: 'Pulled', message: 'pulled' },
    { type: 'Warning', reason: 'BackOff', message: 'Back-off restarting failed container\n' },
  ]
  expect(troubleText(pod('web-1', crashing), events)).toBe(
    `It is not ready: container "web" keeps ending with exit code 137 (OOMKilled), restarted 3 times
  BackOff: Back-off restarting failed container
`,
  )
  expect(troubleText(pod('web-1', starting), [])).toBe('It is not ready: container "web" waits: ContainerCreating\n')
})

test('nothing is said of a pod that is ready, has ended well or has no node', () => {
  expect(troubleText(pod('web-1', ready), [])).toBe('')
  expect(troubleText(pod('web-1', { phase: 'Succeeded' }), [])).toBe('')
  expect(troubleText(pod('web-1', { phase: 'Pending' }, {}), [])).toBe('')
})

test('what is to be done about it follows', () => {
  const limited = { nodeName: 'a', containers: [{ name: 'web', resources: { limits: { memory: '16Mi' } } }] }
  expect(troubleText(pod('web-1', crashing, limited), [])).toMatch(
    /\n→ It needs more than its limit of 16Mi: raise resources.limits.memory of "web".\n$/,
  )
  const ended = (reason: string, exitCode: number) => ({
    containerStatuses: [{ ...crashing.containerStatuses[0], lastState: { terminated: { exitCode, reason } } }],
  })
  expect(troubleText(pod('web-1', ended('Error', 3)), [])).toMatch(
    /\n→ What it said before it ended: optiflow logs pod\/web-1 -c web --previous\n$/,
  )
  expect(troubleText(pod('web-1', ended('StartError', 128)), [])).toMatch(
    /\n→ Look at command and args of "web", and at what is in its image.\n$/,
  )
  const unready = { containerStatuses: [{ name: 'web', ready: false, state: { running: {} } }] }
  expect(troubleText(pod('web-1', unready), [])).toMatch(
    /\n→ What it says meanwhile: optiflow logs pod\/web-1 -c web\n$/,
  )
})

test('a ConfigMap or Secret that is missing is to be made', () => {
  const waiting = (waiting: object) => ({ phase: 'Pending', containerStatuses: [{ name: 'a', state: { waiting } }] })
  const config = { reason: 'CreateContainerConfigError', message: 'configmap "app" not found' }
  expect(troubleText(pod('web-1', waiting(config)), [])).toMatch(
    /\n→ Create configmap default\/app: the pod goes on by itself then\. .*optional: true\.\n$/,
  )
  const message = 'MountVolume.SetUp failed for volume "s" : secret "key" not found'
  const events = [{ type: 'Warning', reason: 'FailedMount', message }]
  expect(troubleText(pod('web-1', waiting({ reason: 'ContainerCreating' })), events)).toContain(
    '\n→ Create secret default/key:',
  )
})
