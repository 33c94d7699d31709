import { resolve } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { bundle, program, programs } from './bundle.ts'

const rooms = ['apiserver', 'scheduler', 'controller', 'gateway', 'db', 'models/cel', 'models/schemas']

const root = resolve(import.meta.dirname, '..')

test('what a node loads at its start holds no room of the server, no expressions and no schemas', async () => {
  const entry = 'src/cli/agent-main.ts'
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: programs.find(together => Object.values(together).includes(entry))!,
    ...bundle,
    packages: 'external',
    metafile: true,
    write: false,
  })
  const { outputs } = metafile
  const [main] = Object.entries(outputs).find(([, output]) => output.entryPoint === entry)!
  const loaded = new Set([main])
  for (const name of loaded)
    for (const { path, kind } of outputs[name]!.imports)
      if (kind === 'import-statement' && outputs[path]) loaded.add(path)
  const inputs = [...loaded].flatMap(name =>
    Object.entries(outputs[name]!.inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput ? [file] : [])),
  )
  expect(inputs).toContain('src/agent/agent.ts')
  // Not even later: the library takes 20 MB.
  const outside = Object.values(outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  expect(outside).not.toContain('@peculiar/x509')
  expect(inputs.filter(file => rooms.some(room => file.startsWith(`src/${room}/`)))).toEqual([])
})

test('programs are of characters up to Latin-1, or V8 keeps their source at two bytes each', async () => {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: Object.assign({}, program.entryPoints, ...programs),
    ...bundle,
    packages: 'external',
    loader: { '.html': 'text' },
    write: false,
  })
  const wide = outputFiles.flatMap(({ text }) =>
    Array.from(text.matchAll(/[^\0-\xff]/g), ({ index }) => text.slice(index - 40, index + 20)),
  )
  expect(wide).toEqual([])
})
