import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemDisk } from '../base/disk.ts'
import { notedNode, noteNode } from './node-note.ts'
import { resolveSettings } from './settings.ts'

const machine = { root: true, containerd: true, hostname: 'here' }

test('who ends a node need not say how it ran, nor where it ran before', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'node-note-'))
  const settingsOf = (flags: Record<string, string>) =>
    resolveSettings({ flags: { 'data-dir': dataDir, ...flags }, env: {}, machine })
  const plain = settingsOf({})
  expect(await notedNode(systemDisk, plain)).toEqual({
    ...plain,
    kubeletFolders: [join(dataDir, 'kubelet')],
    cgroupRoots: ['/'],
  })
  await noteNode(systemDisk, settingsOf({ 'kubelet-dir': '/a', network: 'cni', 'cni-conf-dir': '/c' }))
  await noteNode(systemDisk, settingsOf({ 'kubelet-dir': '/b', 'cgroup-root': '/tenants/a', 'node-name': 'n7' }))
  expect(await notedNode(systemDisk, plain)).toEqual({
    ...plain,
    nodeName: 'n7',
    kubeletFolders: ['/a', '/b'],
    cgroupRoots: ['/', '/tenants/a'],
  })
  await rm(dataDir, { recursive: true })
})
