import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import { Connection } from './connection.ts'

test('a runtime that does not answer is told with the call, and how long it was waited for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'optiflow-cri-'))
  const socket = join(folder, 'hung.sock')
  const server = createServer()
  const called = new Promise<void>(resolve => server.on('stream', () => resolve()))
  await new Promise<void>(resolve => server.listen(socket, resolve))
  const clock = new VirtualClock()
  const connection = new Connection(socket, clock)
  const failed = expect(connection.runtime('Status', {}, { timeoutMs: 10_000 })).rejects.toMatchObject({
    message: `Status had no answer from ${socket} within 10 s`,
    deadlineExceeded: true,
  })
  await called
  await settle(10)
  await clock.advance(10_000)
  await failed
  connection[Symbol.dispose]()
  server.close()
  await rm(folder, { recursive: true })
})
