import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSqliteStore } from '../src/db/index.ts'
import { Cluster } from './support/cluster.ts'
import { configMap } from './support/manifests.ts'

const secret = 'plum-orchard-7391'
const forms = [secret, Buffer.from(secret).toString('base64')]
const passphrase = 'correct horse battery staple'

describe('backups of a running cluster', () => {
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-backup-'))
  const at = (name: string) => join(folder, name)
  let cluster: Cluster
  beforeAll(async () => {
    writeFileSync(at('key'), 'a key file of the administrator')
    writeFileSync(at('pass'), `${passphrase}\n`)
    cluster = await Cluster.start({ nodes: 1, flags: ['--log-level', 'debug'] })
    await cluster.optiflow([
      'apply',
      '-f',
      await cluster.file('map.json', JSON.stringify(configMap('kept', { n: '1' }))),
    ])
    const object = { kind: 'Secret', apiVersion: 'v1', metadata: { name: 's' }, stringData: { password: secret } }
    await cluster.optiflow(['apply', '-f', await cluster.file('secret.json', JSON.stringify(object))])
    rmSync(join(cluster.folder, 'secret.json'))
  })
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const run = async (...args: string[]) => {
    const { code, out, err } = await cluster.optiflow(args)
    return { code, text: `${out}${err}` }
  }
  const contents = async (dataDir: string) => {
    await using store = await openSqliteStore({ path: join(dataDir, 'store/state.db') })
    return { keys: (await store.list('/registry/core/')).entries.map(e => e.key), revision: await store.revision() }
  }
  const kept = ['/registry/core/configmaps/default/kept', '/registry/core/secrets/default/s']

  it('are restored by whoever has the passphrase, when they are whole, over a store only by force', async () => {
    const [file, dataDir] = [at('a.backup'), at('restored')]
    const made = await run('backup', file, '--passphrase-file', at('pass'))
    expect(made).toMatchObject({ code: 0, text: expect.stringContaining('read back and checked') })
    const restore = (...more: string[]) => run('restore', file, '--data-dir', dataDir, ...more)
    expect(await restore()).toMatchObject({ code: 1, text: expect.stringContaining('encrypted with a passphrase') })
    writeFileSync(at('wrong'), 'wrong')
    const wrong = await restore('--passphrase-file', at('wrong'))
    expect(wrong).toMatchObject({ code: 1, text: expect.stringContaining('cannot be decrypted') })
    const right = await restore('--passphrase-file', at('pass'))
    expect(right).toMatchObject({ code: 0, text: expect.stringContaining('revisions go on from') })
    const again = await restore('--passphrase-file', at('pass'))
    expect(again).toMatchObject({ code: 1, text: expect.stringContaining('there is a store already') })
    const forced = await restore('--passphrase-file', at('pass'), '--force')
    expect(forced).toMatchObject({ code: 0, text: expect.stringContaining('is kept as') })
    const { keys, revision } = await contents(dataDir)
    expect(keys).toEqual(expect.arrayContaining(kept))
    expect(revision).toBeGreaterThan(1_000_000n)
    truncateSync(file, statSync(file).size - 10)
    expect(await restore('--passphrase-file', at('pass'), '--force')).toMatchObject({ code: 1 })
    expect((await contents(dataDir)).keys).toEqual(keys)
  })

  it('stay readable when the key is rotated, and what cannot be decoded is asked for and removed by name', async () => {
    const rotated = await run('store', 'rotate-key')
    expect(rotated).toMatchObject({
      code: 0,
      text: expect.stringMatching(/^key \S+ encrypts now; [1-9]\d* values were written again/),
    })
    expect((await run('get', 'secret', 's', '-o', 'json')).text).toContain(forms[1])
    expect(await run('store', 'unreadable')).toMatchObject({ code: 0, text: 'All objects can be decoded.\n' })
    const none = await run('store', 'unreadable', '--remove', '/registry/core/configmaps/default/none')
    expect(none.code).not.toBe(0)
    expect(none.text).toContain('there is no unreadable object with the key /registry/core/configmaps/default/none')
  })

  it('leave no Secret in plain text in the store, its log, backups, nor what the server writes', async () => {
    await run('backup', at('plain.backup'))
    const wal = join(cluster.dataDir, 'store/state.db-wal')
    expect(statSync(wal).size).toBeGreaterThan(0)
    const files = [
      ...readdirSync(join(cluster.dataDir, 'store')).map(name => join(cluster.dataDir, 'store', name)),
      at('plain.backup'),
    ]
    const texts = files.map(path => [path, readFileSync(path, 'latin1')] as const)
    const { process } = cluster
    const found = [...texts, ['what the server writes', `${process.out()}${process.err()}`] as const]
      .filter(([, text]) => forms.some(form => text.includes(form)))
      .map(([name]) => name)
    expect(found).toEqual([])
    // The look would find one: the ConfigMap's name is there, and the log is not empty.
    expect(texts.some(([, text]) => text.includes('configmaps/default/kept'))).toBe(true)
    expect(process.err() + process.out()).not.toBe('')
  })
})
