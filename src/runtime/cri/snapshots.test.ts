import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { chainIds, mountArguments } from './snapshots.ts'

test('a snapshot of layers is named by all of them', () => {
  const hash = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`
  const two = hash('sha256:a sha256:b')
  expect(chainIds(['sha256:a', 'sha256:b', 'sha256:c'])).toEqual(['sha256:a', two, hash(`${two} sha256:c`)])
  expect(chainIds([])).toEqual([])
})

test.each([
  [
    { type: 'bind', source: '/s/1/fs', options: ['ro', 'rbind'] },
    ['-o', 'bind,ro,nosuid,nodev,noexec', '/s/1/fs', '/v'],
  ],
  [
    { type: 'overlay', source: 'overlay', options: ['index=off', 'lowerdir=/s/2/fs:/s/1/fs'] },
    ['-t', 'overlay', '-o', 'ro,nosuid,nodev,noexec,index=off,lowerdir=/s/2/fs:/s/1/fs', 'overlay', '/v'],
  ],
])('an image is mounted read-only: %j', (mount, words) => {
  expect(mountArguments(mount, '/v')).toEqual(words)
})
