import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemOutside } from '../outside.ts'
import { Flags } from './flags.ts'
import { startKubeApiServer } from './kube-apiserver.ts'

test('a file that the flags name and that is not there is named', async () => {
  const flags = new Flags(['--client-ca-file=/nonexistent/ca.crt'])
  await expect(startKubeApiServer(flags, systemOutside())).rejects.toThrow('/nonexistent/ca.crt')
})

test('commands, ports and logs of pods are served, as by kube-apiserver alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'envtest-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const flags = new Flags(['--bind-address=127.0.0.1', '--secure-port=0', `--cert-dir=${folder}`])
  const running = await startKubeApiServer(flags, systemOutside())
  onTestFinished(() => running[Symbol.asyncDispose]())
  const call = async (method: string, path: string, body?: object) =>
    (
      await running.api.handler({
        ...{ method, url: `/api/v1/namespaces/default/${path}`, headers: { 'content-type': 'application/json' } },
        ...(body ? { body: Buffer.from(JSON.stringify(body)) } : {}),
        user: { username: 'admin', groups: ['system:masters'] },
        signal: new AbortController().signal,
      })
    ).status
  await call('POST', 'serviceaccounts', { metadata: { name: 'default' } })
  const spec = { containers: [{ name: 'c', image: 'i' }] }
  expect(await call('POST', 'pods', { metadata: { name: 'a' }, spec })).toBe(201)
  expect([
    ...[await call('GET', 'pods/a/exec'), await call('POST', 'pods/a/exec'), await call('PUT', 'pods/a/exec')],
    ...[await call('GET', 'pods/a/portforward'), await call('GET', 'pods/a/log')],
  ]).toEqual([400, 400, 405, 400, 204])
})
