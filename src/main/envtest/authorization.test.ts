import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { authorizationOf } from './authorization.ts'
import { Flags } from './flags.ts'

const choose = (...args: string[]) => authorizationOf(new Flags(args), systemDisk)

async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'authorization-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'file')
  await writeFile(path, text)
  return path
}

test('only those are asked that are named, and the usual ones where none is', async () => {
  expect(await choose('--authorization-mode=AlwaysDeny')).toEqual([{ type: 'AlwaysDeny' }])
  expect(await choose()).toEqual([{ type: 'Node' }, { type: 'RBAC' }])
})

test('ABAC has its policies from a file', async () => {
  const path = await fileOf('{"user":"ann"}\n')
  expect(await choose('--authorization-mode=RBAC,ABAC', `--authorization-policy-file=${path}`)).toEqual([
    { type: 'RBAC' },
    { type: 'ABAC', policies: [expect.objectContaining({ user: 'ann', namespace: '*' })] },
  ])
  const config = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration' }
  const file = await fileOf(JSON.stringify({ ...config, authorizers: [{ type: 'ABAC', name: 'old' }] }))
  expect(await choose(`--authorization-config=${file}`, `--authorization-policy-file=${path}`)).toEqual([
    { type: 'ABAC', name: 'old', policies: [expect.objectContaining({ user: 'ann' })] },
  ])
})

test.each<[string[], string]>([
  [['--authorization-mode=ABAC'], "authorization-mode ABAC's authorization policy file not passed"],
  [['--authorization-policy-file=/x'], 'cannot specify --authorization-policy-file without mode ABAC'],
  [['--authorization-mode=RBAC,RBAC'], '--authorization-mode: RBAC,RBAC names one of them twice'],
  [['--authorization-mode=Mood'], '--authorization-mode: Mood is not one of ABAC, AlwaysAllow'],
  [
    ['--authorization-mode=ABAC', '--authorization-policy-file=/nonexistent/policies'],
    '--authorization-policy-file: cannot read /nonexistent/policies',
  ],
])('flags that do not fit are told: %j', async (args, message) => {
  await expect(choose(...args)).rejects.toThrow(message)
})

test('a policy file that is wrong is named with its line', async () => {
  const path = await fileOf('\n{"user":1}')
  await expect(choose('--authorization-mode=ABAC', `--authorization-policy-file=${path}`)).rejects.toThrow(
    `--authorization-policy-file: ${path} cannot be used: line 2.user: Invalid value`,
  )
})
