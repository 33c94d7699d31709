import { expect, test } from 'vitest'
import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { disableBoot, enableBoot, unitName, unitText } from './boot-unit.ts'

const command = (...words: string[]) => ({
  program: ['/opt/optiflow/bin/optiflow'],
  nodeFolder: '/opt/node/bin',
  words,
  folder: '/root',
})

function machine(files: Record<string, string>) {
  const ran: string[] = []
  const run: Commands['run'] = async (file, args) => {
    ran.push([file, ...args].join(' '))
    return { code: 0, stdout: '', stderr: '' }
  }
  const there = new Map(Object.entries(files))
  const disk = {
    exists: async (path: string) => [...there.keys()].some(name => name === path || name.startsWith(`${path}/`)),
    readText: async (path: string) => there.get(path) ?? Promise.reject(new Error('ENOENT')),
    write: async (path: string, text: string) => void there.set(path, text),
    remove: async (path: string) => void there.delete(path),
  } as unknown as Disk
  return { disk, commands: { run } as Commands, ran }
}

test('the unit starts the same words with the same Node, and leaves containers alone when it stops', () => {
  const text = unitText(command('up', '--listen', '0.0.0.0:6443', '--node-name', 'a b%$"'))
  expect(text).toContain('ExecStart=/opt/optiflow/bin/optiflow up --listen 0.0.0.0:6443 --node-name "a b%%$$\\""\n')
  expect(text).toContain('Environment=PATH=/opt/node/bin:/usr/local/sbin:')
  expect(text).toContain('\nKillMode=process\n')
  expect(text).toContain('\nRestart=on-failure\n')
  expect([unitName('up'), unitName('agent')]).toEqual(['optiflow.service', 'optiflow-agent.service'])
})

test('starting at boot is arranged and taken back, and only what was written here goes', async () => {
  const outside = machine({
    '/run/systemd/system/x': '',
    '/etc/systemd/system/optiflow-server.service': '[Unit]\nDescription=mine\n',
  })
  expect(await enableBoot(command('up', '--data-dir', '/srv/a'), outside, true)).toBe(
    '/etc/systemd/system/optiflow.service',
  )
  await enableBoot(command('agent', '--server', 'https://a', '--token', 't'), outside, false)
  expect(outside.ran).toEqual([
    'systemctl daemon-reload',
    'systemctl enable --now optiflow.service',
    'systemctl daemon-reload',
    'systemctl enable optiflow-agent.service',
  ])
  expect(await disableBoot(outside, '/srv/b')).toEqual([])
  expect(await disableBoot(outside, '/srv/a')).toEqual(['optiflow.service'])
  expect(await disableBoot(outside, '/var/lib/optiflow')).toEqual(['optiflow-agent.service'])
  expect(await disableBoot(outside)).toEqual([])
  expect(await outside.disk.exists('/etc/systemd/system/optiflow-server.service')).toBe(true)
})

test('a machine without systemd is told so, and what to do', async () => {
  await expect(enableBoot(command('up'), machine({}), true)).rejects.toMatchObject({
    message: 'this machine was not started by systemd',
    hint: expect.stringContaining('optiflow boot show'),
  })
})
