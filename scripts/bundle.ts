import type { BuildOptions } from 'esbuild'
import { pureModules } from './pure-modules.ts'

/** How our programs are put together, whatever goes in. */
export const bundle = {
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  plugins: [pureModules],
} satisfies BuildOptions
