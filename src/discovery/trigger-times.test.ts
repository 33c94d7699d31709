import { expect, it } from 'vitest'
import { meta, pod } from '../controller/testing/fixtures.ts'
import type { Service } from '../models/types/core-v1.ts'
import { TriggerTimes } from './trigger-times.ts'

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`
const service = (created = at(1)): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: meta('web', { creationTimestamp: created }),
  spec: {},
})
const ready = (name: string, second: number) => pod({ name, readySince: at(second) })

it('what a list of endpoints tells of happened when the first of its changes did', () => {
  const times = new TriggerTimes()
  expect(times.next(service(), [ready('old', 5)])).toBe(at(1))
  expect(times.next(service(), [ready('old', 5)])).toBeUndefined()
  expect(times.next(service(), [ready('old', 5), ready('b', 30), ready('c', 20)])).toBe(at(20))
  expect(times.next(service(), [ready('b', 30), ready('c', 20)])).toBeUndefined()
  expect(times.next(service(at(50)), [ready('b', 55)])).toBe(at(50))
  times.forget({ namespace: 'default', name: 'web' })
  expect(times.next(service(at(50)), [ready('b', 55)])).toBe(at(50))
})
