import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Disk, systemDisk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { callersKubeconfig, handToCaller, takeFromCaller } from './callers-kubeconfig.ts'
import { readKubeconfig } from './kubeconfig.ts'
import { systemOutside } from './outside.ts'
import { keepOwnKubeconfig } from './own-kubeconfig.ts'
import type { Pki } from './pki.ts'
import { readKubeconfigNote } from './run-file.ts'
import { resolveSettings } from './settings.ts'

async function homeOfAnn() {
  const home = await mkdtemp(join(tmpdir(), 'optiflow-ann-'))
  onTestFinished(() => rm(home, { recursive: true }))
  const given: Record<string, string> = {}
  const disk: Disk = {
    ...systemDisk,
    readText: async path =>
      path === '/etc/passwd'
        ? `root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001::${home}:/bin/sh\n`
        : systemDisk.readText(path),
    stat: async path =>
      Object.assign(await systemDisk.stat(path), path === home || given[path] ? { uid: 1000, gid: 1001 } : { uid: 0 }),
    chown: async (path, uid, gid) => void (given[path] = `${uid}:${gid}`),
  }
  return { home, disk, given }
}
const ours = { server: 'https://127.0.0.1:6443', ca: 'CA', cert: 'CERT', key: 'KEY' }

test('who called sudo has the context in the own kubeconfig, and owns it', async () => {
  const { home, disk, given } = await homeOfAnn()
  const path = (await callersKubeconfig(disk, { SUDO_UID: '1000', HOME: '/root' }))!
  expect(path).toBe(`${home}/.kube/config`)
  await handToCaller(disk, path, 'optiflow', ours)
  expect(await readKubeconfig(disk, path, 'optiflow')).toEqual(ours)
  expect(given).toEqual({ [`${home}/.kube`]: '1000:1001', [path]: '1000:1001' })
  await takeFromCaller(disk, path, 'optiflow')
  expect(await disk.exists(path)).toBe(false)
})

test('every server hands it on and notes where: one of several as well as "up"', async () => {
  const { home, disk, given } = await homeOfAnn()
  const dataDir = join(home, 'data')
  const settings = resolveSettings({
    ...{ flags: { 'data-dir': dataDir }, env: {}, machine: { root: true, containerd: false, hostname: 'here' } },
  })
  const admin = { cert: 'CERT', key: 'KEY' }
  const pki = { ca: { cert: 'CA', key: '' }, admin, follow: () => () => {} } as unknown as Pki
  const outside = { ...systemOutside(silentLogger), disk }
  const path = join(home, 'roots-config')
  const env = { SUDO_UID: '1000', HOME: '/root' }
  const place = { settings, path, pki, url: ours.server, outside, env }
  const kept = await keepOwnKubeconfig(place)
  kept.letBe()
  const callers = `${home}/.kube/config`
  expect(kept.places).toBe(`${path} and ${callers}, context optiflow`)
  expect(await readKubeconfig(disk, callers, 'optiflow')).toEqual(ours)
  expect(given[callers]).toBe('1000:1001')
  expect(await readKubeconfigNote(disk, dataDir)).toEqual({ kubeconfig: path, callers, context: 'optiflow' })
})

test('nobody else’s file is touched: without sudo, as root, with $KUBECONFIG, or when the user is not known', async () => {
  const { disk } = await homeOfAnn()
  for (const env of [
    {},
    { SUDO_UID: '0' },
    { SUDO_UID: '1000', KUBECONFIG: '/elsewhere' },
    { SUDO_UID: '4711' },
  ] as Record<string, string>[])
    expect(await callersKubeconfig(disk, env)).toBeUndefined()
})

test('a folder or file there that is a link to another user’s is left as it is', async () => {
  const { home, disk } = await homeOfAnn()
  const elsewhere = await mkdtemp(join(tmpdir(), 'optiflow-root-'))
  onTestFinished(() => rm(elsewhere, { recursive: true }))
  await symlink(elsewhere, join(home, '.kube'))
  const path = join(home, '.kube/config')
  await expect(handToCaller(disk, path, 'optiflow', ours)).rejects.toThrow(/does not belong to who called sudo/)
  expect(await disk.exists(join(elsewhere, 'config'))).toBe(false)
})
