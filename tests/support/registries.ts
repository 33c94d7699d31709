import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Machine } from './lan.ts'
import { type Started, until } from './processes.ts'

const tsx = resolve(import.meta.dirname, '../../node_modules/tsx/dist/esm/index.mjs')

/** A registry of ours on a machine, with web:1 and web:2. */
export async function testRegistry(machine: Machine, port: number): Promise<Started> {
  const script = join(import.meta.dirname, 'registry-main.ts')
  const started = machine.start(process.execPath, ['--import', tsx, script, String(port)])
  await until('the registry', () => started.out().includes('serving'))
  return started
}

/** Debian's docker-registry on loopback of a machine, with team/web:1. */
export async function debianRegistry(machine: Machine, folder: string, port: number): Promise<Started> {
  await mkdir(folder, { recursive: true })
  const config = join(folder, 'config.yml')
  await writeFile(
    config,
    `version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: ${folder}/data}}\nhttp: {addr: '127.0.0.1:${port}'}\n`,
  )
  const started = machine.start('docker-registry', ['serve', config])
  await until('docker-registry', async () => machine.ok('wget', ['-qO-', '-T', '1', `http://127.0.0.1:${port}/v2/`]))
  const script = join(import.meta.dirname, 'push-main.ts')
  await machine.ok(process.execPath, ['--import', tsx, script, `http://127.0.0.1:${port}`, 'team/web', '1'])
  return started
}
