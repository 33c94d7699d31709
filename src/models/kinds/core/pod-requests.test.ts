import { expect, test } from 'vitest'
import { podQosClass } from './pod-qos.ts'
import { podLimits, podRequests } from './pod-requests.ts'

const container = (requests: object = {}, limits: object = {}, rest: object = {}): any => ({
  name: 'c',
  resources: { requests, limits },
  ...rest,
})
const sidecar = { restartPolicy: 'Always' }

test('containers add up, and an init step counts only where it is hungrier', () => {
  const spec = {
    containers: [container({ cpu: '100m', memory: '64Mi' }), container({ cpu: '200m' })],
    initContainers: [container({ cpu: '1', memory: '32Mi' })],
  }
  expect(podRequests({ spec })).toEqual({ cpu: '1', memory: '64Mi' })
})

test('sidecars count with the containers, and with the init steps after them', () => {
  const initContainers = [container({ cpu: '1' }), container({ cpu: '300m' }, {}, sidecar), container({ cpu: '900m' })]
  expect(podRequests({ spec: { containers: [container({ cpu: '500m' })], initContainers } })).toEqual({ cpu: '1200m' })
  expect(podRequests({ spec: { containers: [container({ cpu: '1' })], initContainers } })).toEqual({ cpu: '1300m' })
})

test('overhead is requested always, and limited only where there is a limit', () => {
  const spec = { containers: [container({ cpu: '1' }, { memory: '1Gi' })], overhead: { cpu: '250m', memory: '16Mi' } }
  expect(podRequests({ spec })).toEqual({ cpu: '1250m', memory: '16Mi' })
  expect(podLimits({ spec })).toEqual({ memory: '1040Mi' })
})

test('quality of service follows requests and limits', () => {
  const both = { cpu: '1', memory: '1Gi' }
  expect(podQosClass({ containers: [container()] })).toBe('BestEffort')
  expect(podQosClass({ containers: [container({ 'example.com/gpu': '1' })] })).toBe('BestEffort')
  expect(podQosClass({ containers: [container({ cpu: '1' })] })).toBe('Burstable')
  expect(podQosClass({ containers: [container(both, both)] })).toBe('Guaranteed')
  expect(podQosClass({ containers: [container({ cpu: '1000m', memory: '1024Mi' }, both)] })).toBe('Guaranteed')
  expect(podQosClass({ containers: [container(both, both), container()] })).toBe('Burstable')
  expect(podQosClass({ containers: [container({ ...both, cpu: '500m' }, both)] })).toBe('Burstable')
})

test('a container that is being resized takes the more of what it wants and has, or what it has if that is all there is', () => {
  const spec = { containers: [container({ cpu: '2', memory: '1Gi' })] } as any
  const has = (resize: string | undefined, requests: object) =>
    podRequests({ spec, status: { resize, containerStatuses: [{ name: 'c', resources: { requests } }] } as any })
  expect(has('Proposed', { cpu: '1', memory: '2Gi' })).toEqual({ cpu: '2', memory: '2Gi' })
  expect(has('Infeasible', { cpu: '1', memory: '2Gi' })).toEqual({ cpu: '1', memory: '2Gi' })
  expect(has(undefined, { cpu: '2', memory: '1Gi' })).toEqual({ cpu: '2', memory: '1Gi' })
})
