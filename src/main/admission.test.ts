import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemDisk } from '../base/disk.ts'
import { readAdmission } from './admission.ts'

async function folderOf(files: Record<string, object>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'admission-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, value] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(value))
  return folder
}

const kubeconfig = (user: object) => ({
  ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
  ...{ contexts: [{ name: 'c', context: { user: '*.svc', cluster: '' } }], users: [{ name: '*.svc', user }] },
})

async function read(user: object, plugin = 'ValidatingAdmissionWebhook') {
  const folder = await folderOf({ kubeconfig: kubeconfig(user), token: {} })
  const configuration = {
    ...{ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'WebhookAdmissionConfiguration' },
    kubeConfigFile: join(folder, 'kubeconfig'),
  }
  const file = {
    ...{ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AdmissionConfiguration' },
    plugins: [{ name: plugin, configuration }],
  }
  await writeFile(join(folder, 'admission.yaml'), JSON.stringify(file))
  return readAdmission(join(folder, 'admission.yaml'), systemDisk)
}

test('what we show to webhooks is read from the users of a kubeconfig, whose files are beside it', async () => {
  const pem = Buffer.from('PEM').toString('base64')
  expect(await read({ tokenFile: 'token', 'client-certificate-data': pem, 'client-key-data': pem })).toEqual({
    webhookCredentials: {
      validating: { users: new Map([['*.svc', { token: '{}', cert: 'PEM', key: 'PEM' }]]), current: '*.svc' },
    },
  })
  expect(await read({ username: 'a', password: 'b' }, 'MutatingAdmissionWebhook')).toMatchObject({
    webhookCredentials: { mutating: { users: new Map([['*.svc', { username: 'a', password: 'b' }]]) } },
  })
})

test('a user who logs in by a program, and a file that is not there, are named', async () => {
  await expect(read({ exec: { command: 'x' } })).rejects.toThrow('plugin ValidatingAdmissionWebhook: kubeConfigFile')
  await expect(read({ tokenFile: 'nowhere' })).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/users: "\*\.svc": cannot read tokenFile nowhere/) },
  })
})
