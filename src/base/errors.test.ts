import { expect, test } from 'vitest'
import { explain } from './errors.ts'

test('each cause is said once, from the outermost in', () => {
  const inner = new Error('disk full')
  expect(explain(new Error('cannot save', { cause: new Error('write failed: disk full', { cause: inner }) }))).toBe(
    'cannot save: write failed: disk full',
  )
})

test('an error on closing does not hide the one before it', async () => {
  const failing = async () => {
    await using _open = {
      [Symbol.asyncDispose]: async () => {
        throw new Error('cannot close')
      },
    }
    throw new Error('cannot read', { cause: new Error('connection refused') })
  }
  expect(explain(await failing().catch(error => error))).toBe('cannot read: connection refused')
})
