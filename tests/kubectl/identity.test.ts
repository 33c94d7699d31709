import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster, hasKubectl } from '../support/cluster.ts'
import { onPath } from '../support/processes.ts'

describe.skipIf(!hasKubectl)('kubectl about who may what (needs kubectl on PATH)', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start({ nodes: 0 })
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  it('auth whoami and can-i', async () => {
    expect(await cluster.kubectl('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.groups}')).toContain(
      'system:masters',
    )
    expect(await cluster.kubectl('auth', 'can-i', 'create', 'pods')).toBe('yes\n')
    const { code, out } = await cluster.kubectlRaw(['auth', 'can-i', 'create', 'pods', '--as=nobody'])
    expect([code, out]).toEqual([1, 'no\n'])
  })

  it('auth reconcile makes roles and bindings, and adds what is missing', async () => {
    const role = (verbs: string[]) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'reader', namespace: 'default' },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs }],
    })
    expect(await cluster.kubectlWith(role(['get']), 'auth', 'reconcile', '-f', '-')).toContain(
      'role.rbac.authorization.k8s.io/reader reconciled',
    )
    await cluster.kubectlWith(role(['list']), 'auth', 'reconcile', '-f', '-')
    expect((await cluster.get('role', 'reader')).rules.flatMap((r: any) => r.verbs).sort()).toEqual(['get', 'list'])
  })

  it('set subject adds to a binding', async () => {
    await cluster.kubectl('create', 'rolebinding', 'readers', '--role=reader', '--user=ann')
    await cluster.kubectl('set', 'subject', 'rolebinding', 'readers', '--user=ben')
    expect((await cluster.get('rolebinding', 'readers')).subjects.map((s: any) => s.name)).toEqual(['ann', 'ben'])
    expect(await cluster.kubectl('auth', 'can-i', 'list', 'pods', '--as=ben')).toBe('yes\n')
  })

  it.skipIf(!onPath('openssl'))(
    'certificate approve has a certificate signed, deny does not (needs openssl)',
    async () => {
      for (const [name, verb] of [
        ['good', 'approve'],
        ['bad', 'deny'],
      ]) {
        const subject = ['-subj', `/O=dev/CN=${name}`]
        const key = join(cluster.folder, `${name}.key`)
        const pem = execFileSync(
          'openssl',
          ['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, ...subject],
          {
            stdio: ['ignore', 'pipe', 'ignore'],
          },
        )
        const csr = {
          apiVersion: 'certificates.k8s.io/v1',
          kind: 'CertificateSigningRequest',
          metadata: { name },
          spec: {
            request: pem.toString('base64'),
            signerName: 'kubernetes.io/kube-apiserver-client',
            usages: ['client auth'],
          },
        }
        await cluster.kubectlWith(csr, 'create', '-f', '-')
        expect(await cluster.kubectl('certificate', verb!, name!)).toMatch(/certificatesigningrequest.*\/(good|bad) /)
      }
      await cluster.kubectl('wait', 'csr/good', '--for=jsonpath={.status.certificate}', '--timeout=20s')
      expect(await cluster.kubectl('get', 'csr', '--no-headers')).toMatch(/^bad .* Denied\ngood .* Approved,Issued$/m)
    },
  )
})
