import { expect, it } from 'vitest'
import { OptiFlowError } from '../base/errors.ts'
import { ApiError } from '../models/api-error.ts'
import { printFailure } from './failure.ts'
import type { Terminal } from './terminal.ts'

function said(error: unknown): string {
  let text = ''
  const paint = { red: (t: string) => t, dim: (t: string) => t }
  printFailure({ paint, err: (t: string) => (text += t) } as unknown as Terminal, error)
  return text
}

const full = Object.assign(new Error("ENOSPC: no space left on device, write '/data/keys'"), {
  code: 'ENOSPC',
  path: '/data/keys',
})

it('a disk that does not take something is told with what to do, however deep it is', () => {
  const advice = '→ Make room on the disk of /data/keys.\n'
  expect(said(full)).toBe(`Error: ENOSPC: no space left on device, write '/data/keys'\n${advice}`)
  expect(said(new OptiFlowError('cannot make keys', { cause: full }))).toContain(advice)
  expect(said(Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' }))).toContain(
    '→ Mount the file system writable.',
  )
})

it('an error that says itself what to do is left alone, and one of something else has no advice', () => {
  expect(said(new OptiFlowError('no', { cause: full, hint: 'Wait.' }))).toContain('→ Wait.\n')
  expect(said(new Error('no'))).toBe('Error: no\n')
})

it('who is not known to the server is told where to look', () => {
  const text = said(new ApiError('Unauthorized', 'Unauthorized', { code: 401 }))
  expect(text).toMatch(/^Error from server \(Unauthorized\): Unauthorized\n→ The server does not know you: /)
})

it('who shows nothing that the server knows is told the same', () => {
  const message = 'forbidden: User "system:anonymous" cannot get path "/api"'
  expect(said(new ApiError('Forbidden', message, { code: 403 }))).toContain('\n→ The server does not know you: ')
  const known = 'forbidden: User "ann" cannot get path "/api"'
  expect(said(new ApiError('Forbidden', known, { code: 403 }))).not.toContain('→')
})
