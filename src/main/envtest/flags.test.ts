import { expect, test } from 'vitest'
import { withoutAdmission } from './admission-plugins.ts'
import { Flags } from './flags.ts'

test('flags are read as Go programs write them, and those that nobody asked for are known', () => {
  const flags = new Flags([
    '--port=1',
    '--port',
    '2',
    '--on',
    '--names=a,b',
    '--names=c',
    '-v=4',
    '--url=http://x/?a=b',
  ])
  expect(flags.one('port')).toBe('2')
  expect(flags.one('on')).toBe('true')
  expect(flags.list('names')).toEqual(['a', 'b', 'c'])
  expect(flags.one('url')).toBe('http://x/?a=b')
  expect(flags.one('absent')).toBeUndefined()
  expect(flags.unread()).toEqual(['v'])
})

test('what kube-apiserver leaves off unless asked is left off', () => {
  expect(withoutAdmission(['NodeRestriction'], ['ServiceAccount'])).toEqual([
    'DenyServiceExternalIPs',
    'EventRateLimit',
    'OwnerReferencesPermissionEnforcement',
    'ServiceAccount',
  ])
})
