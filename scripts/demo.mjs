// `npm run demo`: from a fresh checkout to a running, answering workload.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkNode, hasApt, installMissing, installNodeModules, isRoot, nodePackages } from './machine.mjs'

const root = resolve(import.meta.dirname, '..')
checkNode()
installNodeModules(root)

let runtime = 'containerd'
let why
if (process.platform !== 'linux') why = `this is ${process.platform}, and containerd needs Linux`
else if (!isRoot) why = 'you are not root, and containers need it'
else {
  const left = installMissing(nodePackages)
  if (left.length)
    why = `${left.map(p => p.name).join(', ')} ${hasApt ? 'could not be installed' : 'is missing and there is no apt-get'}`
}
if (why) {
  runtime = 'simulated'
  console.log(`SIMULATED: ${why}. Pods will be simulated: nothing really runs, all else is real.`)
}

const newest = folder =>
  Math.max(
    0,
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter(e => e.isFile())
      .map(e => statSync(join(e.parentPath ?? e.path, e.name)).mtimeMs),
  )
const built = join(root, 'dist/optiflow.cjs')
if (!existsSync(built) || statSync(built).mtimeMs < newest(join(root, 'src'))) {
  console.log('Building …')
  const { status } = spawnSync('npx', ['--no-install', 'tsx', 'scripts/build.ts'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
const { status } = spawnSync(
  process.execPath,
  [join(root, 'bin/optiflow'), 'demo', '--runtime', runtime, ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit' },
)
process.exit(status ?? 1)
