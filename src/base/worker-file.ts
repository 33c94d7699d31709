import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Disk } from './disk.ts'

const built = new Map<string, Promise<URL>>()

/**
 * The file that a thread can run. A bundle brings its own `.js`. From the sources (tests, development) the `.ts` is bundled
 * once with esbuild into node_modules/.cache, since threads of Node 20 read no TypeScript and a loader in each would cost
 * 0.3 s per thread.
 */
export function workerFile(url: URL, disk: Disk): Promise<URL> {
  if (!url.pathname.endsWith('.ts')) return Promise.resolve(url)
  let file = built.get(url.href)
  if (!file) built.set(url.href, (file = bundle(url, disk)))
  return file
}

async function bundle(url: URL, disk: Disk): Promise<URL> {
  const esbuild: string = 'esbuild'
  const { build } = await import(esbuild)
  const result = await build({
    entryPoints: [fileURLToPath(url)],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    write: false,
    sourcemap: 'inline',
  })
  const code: Uint8Array = result.outputFiles[0].contents
  const name = `${basename(url.pathname, '.ts')}-${createHash('sha256').update(code).digest('hex').slice(0, 16)}.mjs`
  const modules = createRequire(url).resolve('esbuild/package.json').split('/esbuild/')[0]!
  const file = join(modules, '.cache', 'optiflow', name)
  if (!(await disk.exists(file))) await disk.write(file, code)
  return pathToFileURL(file)
}
