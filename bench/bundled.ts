/**
 * Runs a bench as the program itself runs: put together by esbuild with the program's own options. Run straight from the sources
 * every closure is given its name when it is made, which no user pays for: a fifth of what a create costs.
 *   npx tsx bench/bundled.ts scheduler whole SchedulingBasic
 */
import { spawnSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { bundle } from '../scripts/bundle.ts'

const [name, ...args] = process.argv.slice(2)
if (!name) {
  console.error(
    'Error: no bench was named\n→ Name one by its file in bench/: npx tsx bench/bundled.ts scheduler whole SchedulingBasic',
  )
  process.exit(1)
}
const root = resolve(import.meta.dirname, '..')
// Below the project's folder, where packages are found and .js means a module.
const outdir = join(root, 'dist', `bench-${process.pid}`)
const entryPoints = { bench: join(root, `bench/${name}.ts`), 'sqlite-worker': join(root, 'src/db/sqlite/worker.ts') }
try {
  await build({ ...bundle, packages: 'external', entryPoints, outdir })
  // With the room for young objects that the program itself starts with (the first line of bin/optiflow).
  const { status } = spawnSync(process.execPath, ['--max-semi-space-size=32', join(outdir, 'bench.js'), ...args], {
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
} finally {
  await rm(outdir, { recursive: true, force: true })
}
