import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { ControlPlane } from './control-plane.ts'

const run = promisify(execFile)
const missing = await run('kubectl', ['version', '--client']).then(
  () => '',
  () => ' (skipped: no kubectl)',
)

test.skipIf(missing)(`kubectl takes the kubeconfig of a control plane for tests${missing}`, async () => {
  await using cluster = await ControlPlane.start({ nodes: 1 })
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-library-'))
  try {
    const file = join(folder, 'kubeconfig')
    writeFileSync(file, await cluster.kubeconfig({ username: 'eve', groups: ['system:masters'] }))
    const kubectl = async (...args: string[]) => (await run('kubectl', ['--kubeconfig', file, ...args])).stdout
    expect(await kubectl('get', 'nodes', '-o', 'name')).toBe('node/node-1\n')
    expect(await kubectl('auth', 'whoami')).toMatch(/Username +eve/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
