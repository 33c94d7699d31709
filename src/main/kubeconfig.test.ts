import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { systemDisk } from '../base/disk.ts'
import {
  kubeconfigFiles,
  kubeconfigToWrite,
  mergeKubeconfig,
  readKubeconfig,
  removeFromKubeconfig,
} from './kubeconfig.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-'))
})
afterEach(() => rm(folder, { recursive: true }))

const ours = { server: 'https://127.0.0.1:6443', ca: 'CA', cert: 'CERT', key: 'KEY' }
const other = `apiVersion: v1
kind: Config
clusters: [{ name: work, cluster: { server: 'https://work:6443' } }]
users: [{ name: me, user: { token: secret } }]
contexts: [{ name: work, context: { cluster: work, user: me, namespace: team } }]
current-context: work
`

test('merging keeps what others wrote, current context included', async () => {
  const path = join(folder, 'config')
  await writeFile(path, other)
  expect(await mergeKubeconfig(systemDisk, path, 'optiflow', ours)).toBe(false)
  expect(await readKubeconfig(systemDisk, path)).toEqual({
    server: 'https://work:6443',
    token: 'secret',
    namespace: 'team',
  })
  expect(await readKubeconfig(systemDisk, path, 'optiflow')).toEqual(ours)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await removeFromKubeconfig(systemDisk, path, 'optiflow')
  expect(parse(await readFile(path, 'utf8'))).toEqual(parse(other))
})

test('a new file has our context as current, twice written is the same, and removing it removes the file', async () => {
  const path = join(folder, 'deep/config')
  expect(await mergeKubeconfig(systemDisk, path, 'optiflow', ours)).toBe(true)
  const once = await readFile(path, 'utf8')
  await mergeKubeconfig(systemDisk, path, 'optiflow', ours)
  expect(await readFile(path, 'utf8')).toBe(once)
  await removeFromKubeconfig(systemDisk, path, 'optiflow')
  expect(await systemDisk.exists(path)).toBe(false)
})

test('a file that is not a kubeconfig is named and left alone', async () => {
  const path = join(folder, 'config')
  await writeFile(path, '[1, 2')
  await expect(mergeKubeconfig(systemDisk, path, 'optiflow', ours)).rejects.toThrow(`${path} is not YAML`)
  expect(await readFile(path, 'utf8')).toBe('[1, 2')
})

test('several files are put together as kubectl does: of each name the first, the first current context, missing ones skipped', async () => {
  const [a, b, none] = ['a', 'b', 'none'].map(name => join(folder, name)) as [string, string, string]
  expect(kubeconfigFiles({ KUBECONFIG: `${a}::${b}:${a}` })).toEqual([a, b])
  expect(kubeconfigFiles({ KUBECONFIG: '' })).toEqual(kubeconfigFiles({}))
  await writeFile(
    a,
    'users: [{ name: me, user: { token: first } }]\ncontexts: [{ name: mine, context: { cluster: near, user: me } }]\n',
  )
  await writeFile(
    b,
    `${other}\n`.replace(
      'clusters: [',
      'clusters: [{ name: near, cluster: { server: "https://n", certificate-authority: ca } }, ',
    ),
  )
  await writeFile(join(folder, 'ca'), 'AUTHORITY')
  const files = [none, a, b]
  expect(await readKubeconfig(systemDisk, files)).toEqual({
    server: 'https://work:6443',
    token: 'first',
    namespace: 'team',
  })
  expect(await readKubeconfig(systemDisk, files, 'mine')).toEqual({
    server: 'https://n',
    ca: 'AUTHORITY',
    token: 'first',
  })
  await expect(readKubeconfig(systemDisk, files, 'x')).rejects.toMatchObject({
    message: `${none}, ${a}, ${b} has no context "x"`,
    hint: 'It has: mine, work.',
  })
  await expect(readKubeconfig(systemDisk, [none])).rejects.toThrow(`there is no kubeconfig at ${none}`)
})

test('what is written goes where kubectl would put it: where it is, the first file that is there, the last one', async () => {
  const [a, b, none] = ['a', 'b', 'none'].map(name => join(folder, name)) as [string, string, string]
  expect(await kubeconfigToWrite(systemDisk, [none, b], 'optiflow')).toBe(b)
  await writeFile(a, 'contexts: []\n')
  await writeFile(b, other)
  const files = [none, a, b]
  expect(await kubeconfigToWrite(systemDisk, files, 'optiflow')).toBe(a)
  // Another file has a current context, which stays.
  expect(await mergeKubeconfig(systemDisk, a, 'optiflow', ours, files)).toBe(false)
  expect(parse(await readFile(a, 'utf8'))['current-context']).toBe('')
  expect(await readKubeconfig(systemDisk, files, 'optiflow')).toEqual(ours)
  expect(await kubeconfigToWrite(systemDisk, [b, a], 'optiflow')).toBe(a)
})
