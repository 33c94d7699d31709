/** `npm run build`: the program and its library under dist/. Types of the library come from `tsc`. */
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { build } from 'esbuild'
import { bundle, programs } from './bundle.ts'

const root = resolve(import.meta.dirname, '..')
const { version } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'))
await rm(`${root}/dist`, { recursive: true, force: true })

for (const entryPoints of programs)
  await build({
    absWorkingDir: root,
    entryPoints,
    ...bundle,
    // Native code, what is only loaded in tests, and what has its own version of such a package, stays a package.
    external: ['acme-client', '@photostructure/sqlite', 'node:sqlite', 'tsx', '@peculiar/x509', 'reflect-metadata'],
    loader: { '.html': 'text' },
    define: { OPTIFLOW_VERSION: JSON.stringify(version) },
    // CommonJS packages inside an ES module bundle still ask for require.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    sourcemap: process.argv.includes('--sourcemap'),
    logLevel: 'warning',
  })
await writeFile(`${root}/dist/package.json`, '{ "type": "module" }\n')
await chmod(`${root}/bin/optiflow`, 0o755)
