import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import type { Container, EmptyDirVolumeSource, Pod } from '../../models/types/core-v1.ts'
import { makeEmptyDir } from './empty-dir.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-empty-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** @returns the folder, and what was run to make it */
async function make(emptyDir: EmptyDirVolumeSource, resources: Container['resources'] = {}) {
  const ran: string[] = []
  const commands = {
    run: async (program: string, args: string[]) => void ran.push([program, ...args].join(' ')),
  } as unknown as Commands
  const pod = { metadata: { uid: 'u' }, spec: { containers: [{ name: 'c', resources }] } } as unknown as Pod
  const path = await makeEmptyDir({ disk: systemDisk, commands, folder }, { name: 'data', emptyDir }, pod)
  return { path, ran: ran.map(line => line.replace(path, 'PATH')) }
}

it('is a folder that anybody may write into', async () => {
  const { path, ran } = await make({})
  expect({ mode: (await stat(path)).mode & 0o7777, ran }).toEqual({ mode: 0o777, ran: [] })
})

it.each<[EmptyDirVolumeSource, Container['resources'], string]>([
  [{ medium: 'Memory' }, {}, 'mount -t tmpfs tmpfs PATH'],
  [{ medium: 'Memory', sizeLimit: '1Mi' }, {}, 'mount -t tmpfs -o size=1048576 tmpfs PATH'],
  [{ medium: 'HugePages-1Gi' }, {}, 'mount -t hugetlbfs -o pagesize=1073741824 nodev PATH'],
  [
    { medium: 'HugePages' },
    { limits: { 'hugepages-2Mi': '4Mi' } },
    'mount -t hugetlbfs -o pagesize=2097152 nodev PATH',
  ],
])('%j of a pod with %j: %s', async (emptyDir, resources, command) => {
  expect((await make(emptyDir, resources)).ran).toEqual([command])
})

it.each<[Container['resources'], string]>([
  [{}, 'they ask for none'],
  [{ limits: { 'hugepages-2Mi': '4Mi', 'hugepages-1Gi': '1Gi' } }, 'they ask for hugepages-2Mi and hugepages-1Gi'],
])('of huge pages of no certain size, with %j, is refused', async (resources, why) => {
  await expect(make({ medium: 'HugePages' }, resources)).rejects.toThrow(why)
})
