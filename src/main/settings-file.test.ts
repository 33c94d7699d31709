import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemDisk } from '../base/disk.ts'
import { resolveSettings } from './settings.ts'
import { readConfigFolder } from './settings-file.ts'

describe('a folder of config files', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'optiflow-config-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const machine = { root: true, containerd: true, hostname: 'here' }
  const resolve = async (file: string, flags: Record<string, string> = {}) =>
    resolveSettings({ flags, env: {}, file, dropIns: await readConfigFolder(systemDisk, folder), machine })
  const write = (name: string, text: string) => writeFile(join(folder, name), text)

  it('wins over the config file, the last by name over all, and flags over them', async () => {
    await write('20-site.conf', 'node-name: site\nlog-level: warn\n')
    await write('10-vendor.conf', 'node-name: vendor\npod-max-pids: 100\nlog-level: error\n')
    await write('30-notes.txt', 'not: read\n')
    await write('99-empty.conf', '')
    await mkdir(join(folder, 'more.conf'))
    const settings = await resolve('node-name: file\ncluster-domain: file.local\n', { 'log-level': 'debug' })
    expect(settings).toMatchObject({
      nodeName: 'site',
      podMaxPids: 100,
      clusterDomain: 'file.local',
      logLevel: 'debug',
    })
  })

  it('says which file and setting is wrong', async () => {
    await write('10-a.conf', 'pod-max-pids: many\n')
    await expect(resolve('')).rejects.toThrow(`pod-max-pids in ${folder}/10-a.conf: "many" is not a whole number`)
    await write('10-a.conf', 'podMaxPids: 1\n')
    await expect(resolve('')).rejects.toThrow(`${folder}/10-a.conf has an unknown setting "podMaxPids"`)
    await write('10-a.conf', 'a: b: c\n')
    await expect(resolve('')).rejects.toThrow(`${folder}/10-a.conf is no YAML`)
  })

  it('that is not there is named', async () => {
    await expect(readConfigFolder(systemDisk, `${folder}/none`)).rejects.toThrow(
      `cannot read the folder of config files ${folder}/none`,
    )
    expect(await readConfigFolder(systemDisk, undefined)).toEqual([])
  })
})
