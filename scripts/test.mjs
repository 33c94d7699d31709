// `npm test`: installs what the tests need (Debian packages if root), builds, runs all tests; `--long` runs the longer proofs.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { checkNode, installMissing, installNodeModules, isRoot, testPackages } from './machine.mjs'

const root = resolve(import.meta.dirname, '..')
const long = process.argv.includes('--long')
checkNode()
installNodeModules(root)
for (const p of installMissing(testPackages))
  console.log(
    `Not installed: ${p.name} (${p.why})${isRoot ? '' : '; not root, so it is not installed here'}. Tests that need it are skipped and named at the end.`,
  )

const run = (command, args) => spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1
if (run('npx', ['--no-install', 'tsx', 'scripts/build.ts']) !== 0) process.exit(1)
const projects = long ? ['--project', 'long'] : ['fast', 'slow', 'real'].flatMap(name => ['--project', name])
process.exit(
  run('npx', [
    '--no-install',
    'vitest',
    'run',
    ...projects,
    '--reporter=default',
    '--reporter=./scripts/summary-reporter.ts',
    ...process.argv.slice(2).filter(a => a !== '--long'),
  ]),
)
