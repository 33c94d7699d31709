import type { BuildOptions } from 'esbuild'
import { pureModules } from './pure-modules.ts'

/**
 * What is bundled by itself: programs of one list share what they have in common. A module that two of them load carries what
 * either uses of it, with all that this imports, so the agent shares with nobody.
 */
export const programs: readonly Record<string, string>[] = [
  { 'optiflow-agent': 'src/cli/agent-main.ts' },
  {
    'sqlite-worker': 'src/db/sqlite/worker.ts',
    'gateway-worker': 'src/gateway/threaded/gateway-worker.ts',
  },
]

/** How our programs are put together, whatever goes in. */
export const bundle = {
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  plugins: [pureModules],
} satisfies BuildOptions

/** The program itself is one script and no module, so that what V8 compiled of it can be kept: see bin/code-cache.js. */
export const program = {
  ...bundle,
  entryPoints: { optiflow: 'src/cli/main.ts' },
  splitting: false,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  // To a script Node gives no import() without a warning; require() serves as well.
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': '__url' },
  banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
} satisfies BuildOptions

/** What `import` and `require` of the package give: one script for both, so that there is one of each class in a process. */
export const library = {
  ...program,
  entryPoints: { index: 'src/main/index.ts' },
} satisfies BuildOptions
