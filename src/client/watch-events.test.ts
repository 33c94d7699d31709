import { expect, test } from 'vitest'
import { ApiError } from '../models/api-error.ts'
import { Pod } from '../models/kinds/index.ts'
import type { ApiReply } from '../models/rest.ts'
import { createClient, inProcessTransport } from './index.ts'

const added = (name: string) => ({ type: 'ADDED', object: { metadata: { name, resourceVersion: '1' } } })

/** A client whose server has these values at hand for whoever watches. */
function clientOf(values: unknown[]) {
  const ready = () => (values.length ? { done: false as const, value: values.shift() } : undefined)
  const jsonValues = () => ({ ready, next: async () => ready() ?? { done: true as const, value: undefined } })
  const body = { jsonValues, [Symbol.asyncIterator]: jsonValues } as unknown as ApiReply['body']
  return createClient(
    inProcessTransport(async () => ({ status: 200, headers: {}, body }), { username: 'u', groups: [] }),
  )
}

test('events that are there already are handed out in order, without a promise, up to the error that ends the watch', async () => {
  const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } }
  const events = clientOf([added('a'), added('b'), added('c'), gone]).watch(Pod, {
    resourceVersion: '0',
    signal: new AbortController().signal,
  })
  const nameOf = (event: { object: { metadata: { name: string } } } | undefined) => event?.object.metadata.name
  expect(events.ready?.()).toBeUndefined()
  const watch = events[Symbol.asyncIterator]()
  expect(nameOf((await watch.next()).value)).toBe('a')
  expect([nameOf(events.ready?.()), nameOf((await watch.next()).value)]).toEqual(['b', 'c'])
  expect(() => events.ready?.()).toThrow(ApiError)
})

test('of a watch that was ended nothing more is handed out', async () => {
  const end = new AbortController()
  const events = clientOf([added('a'), added('b')]).watch(Pod, { resourceVersion: '0', signal: end.signal })
  await events[Symbol.asyncIterator]().next()
  end.abort()
  expect(events.ready?.()).toBeUndefined()
})
