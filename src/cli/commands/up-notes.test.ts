import { expect, test } from 'vitest'
import { unreachableApiNote } from './up-notes.ts'

test.each([
  ['cni', '127.0.0.1', true],
  ['cni', '::1', true],
  ['cni', 'localhost', true],
  ['cni', '0.0.0.0', false],
  ['cni', '10.0.0.5', false],
  ['builtin', '127.0.0.1', false],
] as const)('with --network %s at %s: is it said that others cannot reach the API? %s', (network, host, said) => {
  const note = unreachableApiNote({ network, listen: { host, port: 7443 } })
  if (said) expect(note).toContain('Start it with --listen 0.0.0.0:7443')
  else expect(note).toBeUndefined()
})
