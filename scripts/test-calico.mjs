// `npm run test:calico`: Calico's own programs on two nodes of this machine. docs/calico.md says what it wants.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { checkNode, installMissing, installNodeModules, isRoot, testPackages } from './machine.mjs'

const root = resolve(import.meta.dirname, '..')
const { CALICO_IMAGES, CALICO_BIN, CALICO_MANIFEST } = process.env
const refuse = text => {
  console.error(`${text}\nCalico itself was not run.`)
  process.exit(2)
}
if (!CALICO_IMAGES && !CALICO_BIN)
  refuse(
    "Neither CALICO_IMAGES (an archive with Calico's images, or a registry that has them) nor CALICO_BIN (a folder of its binaries) is given.",
  )
if (CALICO_BIN && !existsSync(CALICO_BIN)) refuse(`CALICO_BIN: there is no ${CALICO_BIN}.`)
if (!CALICO_MANIFEST) refuse('CALICO_MANIFEST is not given: the calico-vxlan.yaml of the same release.')
const manifests = CALICO_MANIFEST.split(',').map(path => resolve(path))
for (const path of manifests) if (!existsSync(path)) refuse(`CALICO_MANIFEST: there is no ${path}.`)
if (!isRoot) refuse('Containers and network namespaces need root.')

checkNode()
installNodeModules(root)
installMissing(testPackages)
const env = { ...process.env }
if (CALICO_BIN) env.CALICO_BIN = resolve(CALICO_BIN)
const run = (...args) => spawnSync('npx', ['--no-install', ...args], { cwd: root, stdio: 'inherit', env }).status ?? 1
if (run('tsx', 'scripts/build.ts') !== 0) process.exit(1)
let failed = 0
for (const path of manifests) {
  console.log(`Calico by ${path}`)
  env.CALICO_MANIFEST = path
  failed ||= run('vitest', 'run', '--project', 'calico', '--reporter=verbose')
}
process.exit(failed)
