import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
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

describe('the suites and versions of TLS that the flags name', () => {
  const connected = async (flags: string[], client: ConnectionOptions) => {
    const folder = await mkdtemp(join(tmpdir(), 'envtest-'))
    const all = new Flags(['--bind-address=127.0.0.1', '--secure-port=0', `--cert-dir=${folder}`, ...flags])
    await using running = await startKubeApiServer(all, systemOutside())
    const socket = connect({
      host: '127.0.0.1',
      port: Number(new URL(running.url).port),
      rejectUnauthorized: false,
      ...client,
    })
    try {
      await once(socket, 'secureConnect')
      return [socket.getProtocol(), socket.getCipher().name]
    } catch {
      return 'refused'
    } finally {
      socket.destroy()
      await rm(folder, { recursive: true })
    }
  }

  test('are spoken, others are not', async () => {
    const old: ConnectionOptions = { maxVersion: 'TLSv1.2', ciphers: 'AES256-SHA' }
    const suites = '--tls-cipher-suites=TLS_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305'
    expect(await connected([suites], old)).toEqual(['TLSv1.2', 'AES256-SHA'])
    expect(await connected([suites], { ...old, ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' })).toBe('refused')
    expect(await connected(['--tls-min-version=VersionTLS13'], { maxVersion: 'TLSv1.2' })).toBe('refused')
  })

  test('are refused where there are none of the name', async () => {
    const start = (flag: string) => startKubeApiServer(new Flags([flag]), systemOutside())
    await expect(start('--tls-cipher-suites=TLS_NULL')).rejects.toThrow(
      '--tls-cipher-suites: has TLS_NULL, which is not supported',
    )
    await expect(start('--tls-min-version=1.2')).rejects.toThrow('--tls-min-version: "1.2" is no version of TLS')
  })
})

test('browsers are told to come by HTTPS only, where the flags say so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'envtest-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const hsts = '--strict-transport-security-directives=max-age=31536000,includeSubDomains'
  const flags = new Flags(['--bind-address=127.0.0.1', '--secure-port=0', `--cert-dir=${folder}`, hsts])
  await using running = await startKubeApiServer(flags, systemOutside())
  for (const path of ['/healthz', '/api/v1/namespaces']) {
    const request = get(`${running.url}${path}`, { rejectUnauthorized: false })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.resume()
    expect(response.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains')
  }
})

test('the seats that the flags name are shared by the levels of flow control', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'envtest-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const limits = async (...flags: string[]) => {
    const all = ['--bind-address=127.0.0.1', '--secure-port=0', `--cert-dir=${folder}`, ...flags]
    await using running = await startKubeApiServer(new Flags(all), systemOutside())
    const reply = await running.api.handler({
      ...{ method: 'GET', url: '/metrics', headers: {} },
      user: { username: 'admin', groups: ['system:masters'] },
      signal: new AbortController().signal,
    })
    const parts = []
    for await (const part of reply.body instanceof Uint8Array ? [reply.body] : reply.body) parts.push(part)
    return Buffer.concat(parts)
      .toString()
      .match(/^apiserver_flowcontrol_nominal_limit_seats\{priority_level="global-default"\} .*/m)?.[0]
      .split(' ')[1]
  }
  expect([
    await limits(),
    await limits('--max-requests-inflight=1', '--max-mutating-requests-inflight=1'),
    await limits('--max-requests-inflight=3000'),
  ]).toEqual(['49', '1', '262'])
})

test('a watch ends after the time that the flags name', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'envtest-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const all = ['--bind-address=127.0.0.1', '--secure-port=0', `--cert-dir=${folder}`, '--min-request-timeout=1']
  await using running = await startKubeApiServer(new Flags(all), systemOutside())
  const reply = await running.api.handler({
    ...{ method: 'GET', url: '/api/v1/secrets?watch=1', headers: {} },
    user: { username: 'admin', groups: ['system:masters'] },
    signal: new AbortController().signal,
  })
  const lines = []
  for await (const line of reply.body as AsyncIterable<Uint8Array>) lines.push(line)
  expect(lines).toEqual([])
})
