import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { bundle, program } from './bundle.ts'

const root = resolve(import.meta.dirname, '..')
/** Packages that the bundle leaves outside; see build.ts. */
const outside = /external: \[(.*)\]/.exec(readFileSync(`${root}/scripts/build.ts`, 'utf8'))![1]!

const isModule = (name: string): boolean =>
  JSON.parse(readFileSync(`${root}/node_modules/${name}/package.json`, 'utf8')).type === 'module'

test('a CommonJS package that is loaded late is taken by its default export, all that it has in the bundle', () => {
  const wrong: string[] = []
  for (const file of readdirSync(`${root}/src`, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
    for (const [text, name] of readFileSync(`${root}/src/${file}`, 'utf8').matchAll(
      /await import\('([^.'][^']*)'\)(\)\.default)?/g,
    )) {
      if (name!.startsWith('node:') || outside.includes(`'${name}'`) || isModule(name!)) continue
      if (!text.endsWith('.default')) wrong.push(`${file}: ${name}`)
    }
  }
  expect(wrong).toEqual([])
})

test.each([
  ['a module', 'mjs', bundle],
  ['a script', 'cjs', program],
])('gRPC that is loaded late is there when we are bundled as %s', async (_, ending, { outdir: __, ...how }) => {
  const contents =
    "import { loadGrpc } from './src/base/grpc/late.ts'\nloadGrpc().then(g => console.log(typeof g.Server))"
  const folder = mkdtempSync('/tmp/late-imports-')
  try {
    const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
    await build({
      ...how,
      ...(ending === 'mjs' ? { banner: { js } } : {}),
      ...{ entryPoints: undefined, stdin: { contents, resolveDir: root, loader: 'ts' }, logLevel: 'error' },
      ...{ splitting: false, outExtension: {}, outfile: `${folder}/out.${ending}` },
    })
    expect(execFileSync(process.execPath, [`${folder}/out.${ending}`], { encoding: 'utf8' })).toBe('function\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
