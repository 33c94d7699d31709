/** `npm run build`: the program and its library under dist/. Types of the library come from `tsc`. */

import { createHash } from 'node:crypto'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type BuildOptions, build } from 'esbuild'
import { bundle, library, program, programs } from './bundle.ts'

const root = resolve(import.meta.dirname, '..')
const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'))
await rm(`${root}/dist`, { recursive: true, force: true })

const common = {
  absWorkingDir: root,
  // Native code, what is only loaded in tests, and what has its own version of such a package, stays a package.
  external: ['acme-client', '@photostructure/sqlite', 'node:sqlite', 'tsx', '@peculiar/x509', 'reflect-metadata'],
  loader: { '.html': 'text' },
  sourcemap: process.argv.includes('--sourcemap'),
  logLevel: 'warning',
} satisfies BuildOptions
const define = { OPTIFLOW_VERSION: JSON.stringify(version) }

for (const entryPoints of programs)
  await build({
    ...common,
    ...bundle,
    entryPoints,
    define,
    // CommonJS packages inside an ES module bundle still ask for require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
await build({ ...common, ...program, define: { ...define, ...program.define } })
await build({ ...common, ...library, define: { ...define, ...library.define } })
// An import of the script itself would have Node read all of it for the names in it.
const listed = { ...common, ...bundle, entryPoints: library.entryPoints, define, metafile: true, write: false } as const
const { metafile } = await build(listed)
const names = metafile.outputs['dist/index.js']!.exports
await writeFile(
  `${root}/dist/index.js`,
  `import { createRequire } from 'node:module'
const library = createRequire(import.meta.url)('./index.cjs')
export const { ${names.join(', ')} } = library
export default library
`,
)
const script = `${root}/dist/optiflow.cjs`
const code = await readFile(script)
const content = createHash('sha256').update(code).digest('hex').slice(0, 16)
await writeFile(script, `/*${content}*/${code}`)
await writeFile(`${root}/dist/package.json`, '{ "type": "module" }\n')
await chmod(`${root}/bin/optiflow`, 0o755)
