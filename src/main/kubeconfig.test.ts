import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parse } from 'yaml'
import { systemDisk } from '../base/disk.ts'
import { mergeKubeconfig, readKubeconfig, removeFromKubeconfig } from './kubeconfig.ts'

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
