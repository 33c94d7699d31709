import { resolve } from 'node:path'
import type { Plugin } from 'esbuild'

const source = `${resolve(import.meta.dirname, '../src')}/`

/** Our modules only declare: one of which nobody uses a name is not in the bundle, and neither is what it imports. */
export const pureModules: Plugin = {
  name: 'pure-modules',
  setup(build) {
    build.onResolve({ filter: /^\.\.?\// }, async ({ path, pluginData, ...where }) => {
      if (pluginData === build || !where.importer.startsWith(source)) return undefined
      const found = await build.resolve(path, { ...where, pluginData: build })
      return { ...found, sideEffects: false }
    })
  },
}
