import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { systemDisk } from '../base/disk.ts'
import { systemRandom } from '../base/random.ts'
import { loadPki } from './pki.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-pki-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const load = () =>
  loadPki({
    ...{ folder, disk: systemDisk, clock: systemClock, random: systemRandom },
    serverNames: { dnsNames: ['localhost'], ips: ['127.0.0.1'] },
  })

it('a damaged file is named, with what to do about it', async () => {
  const { server } = await load()
  await writeFile(join(folder, 'server.crt'), '')
  await expect(load()).rejects.toMatchObject({
    message: `${join(folder, 'server.crt')} holds no certificate`,
    hint: 'Delete server.crt and server.key there: another pair is made at the next start.',
  })
  await writeFile(join(folder, 'server.crt'), server.cert)
  await writeFile(join(folder, 'ca.key'), 'x')
  await expect(load()).rejects.toMatchObject({
    message: `${join(folder, 'ca.key')} holds no private key`,
    hint: expect.stringContaining('backup'),
  })
})

it('the key of the administrator is an RSA key, as Java reads no other one by itself, and is the one of its certificate', async () => {
  const { admin, ca } = await load()
  const key = createPrivateKey(admin.key)
  const cert = new X509Certificate(admin.cert)
  expect([key.asymmetricKeyType, cert.checkPrivateKey(key)]).toEqual(['rsa', true])
  expect(cert.verify(new X509Certificate(ca.cert).publicKey)).toBe(true)
})
