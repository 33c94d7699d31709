import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createAuthority, issueCertificate } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import type { Store } from '../store.ts'
import { openEtcdStore } from './etcd-store.ts'
import { freePorts } from './testing/cluster.ts'

it('etcd with TLS lets in who has a certificate of its authority, and is believed only with one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-etcd-tls-'))
  const ca = await createAuthority('etcd-ca', systemClock)
  const server = await issueCertificate(
    ca,
    { commonName: 'etcd', ips: ['127.0.0.1'], usages: ['server', 'client'] },
    systemClock,
  )
  const client = await issueCertificate(ca, { commonName: 'optiflow', usages: ['client'] }, systemClock)
  for (const [name, text] of Object.entries({ ca: ca.cert, cert: server.cert, key: server.key }))
    writeFileSync(join(folder, name), text)
  const [port, peer] = await freePorts(2)
  const url = `https://127.0.0.1:${port}`
  const peerUrl = `http://127.0.0.1:${peer}`
  const etcd = spawn(
    'etcd',
    [
      ...['--name', 'm0', '--data-dir', join(folder, 'data'), '--logger', 'zap', '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url, '--client-cert-auth'],
      ...[
        '--cert-file',
        join(folder, 'cert'),
        '--key-file',
        join(folder, 'key'),
        '--trusted-ca-file',
        join(folder, 'ca'),
      ],
      ...[
        '--listen-peer-urls',
        peerUrl,
        '--initial-advertise-peer-urls',
        peerUrl,
        '--initial-cluster',
        `m0=${peerUrl}`,
      ],
    ],
    { stdio: 'ignore' },
  )
  try {
    const endpoints = [url]
    let store: Store | undefined
    for (let i = 0; i < 100 && !store; i++) {
      store = await openEtcdStore({ endpoints, ca: ca.cert, ...client }).catch(() => undefined)
      if (!store) await wait(100)
    }
    const revision = await store!.commit([{ key: '/a', value: new Uint8Array([1]) }], new Map([['/a', 0n]]))
    expect((await store!.get('/a'))?.revision).toBe(revision)
    await store![Symbol.asyncDispose]()
    const other = await createAuthority('another', systemClock)
    await expect(openEtcdStore({ endpoints, ca: other.cert, ...client })).rejects.toThrow('did not answer')
    await expect(openEtcdStore({ endpoints, ca: ca.cert })).rejects.toThrow('did not answer')
  } finally {
    const gone = new Promise(resolve => etcd.once('exit', resolve))
    etcd.kill('SIGKILL')
    await gone
    rmSync(folder, { recursive: true, force: true })
  }
})
