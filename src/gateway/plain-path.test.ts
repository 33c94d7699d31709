import { expect, test } from 'vitest'
import { plainPath } from './plain-path.ts'

test.each([
  ['/a/b?c=/../d', '/a/b?c=/../d'],
  ['/a/.b/..c/...', '/a/.b/..c/...'],
  ['/open/../admin', '/admin'],
  ['/open/%2e%2E/admin?x', '/admin?x'],
  ['/open/.%2e/./admin/.', '/admin/'],
  ['/a/b/..', '/a/'],
  ['/../../a', '/a'],
  ['/..', '/'],
  ['/a//../b', '/a/b'],
])('%s is %s', (url, plain) => {
  expect(plainPath(url)).toBe(plain)
})
