import type { BuildOptions } from 'esbuild'
import { pureModules } from './pure-modules.ts'

/**
 * What is bundled by itself: programs of one list share what they have in common. A module that two of them load carries what
 * either uses of it, with all that this imports, so the agent shares with nobody.
 */
export const programs: readonly Record<string, string>[] = [
  { 'optiflow-agent': 'src/cli/agent-main.ts' },
  {
    optiflow: 'src/cli/main.ts',
    index: 'src/main/index.ts',
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
