import { resolve } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { bundle } from './bundle.ts'

const rooms = ['apiserver', 'scheduler', 'controller', 'gateway', 'db', 'models/cel', 'models/schemas']

test('what a node loads at its start holds no room of the server, no expressions and no schemas', async () => {
  const entry = 'src/cli/agent-main.ts'
  const { metafile } = await build({
    absWorkingDir: resolve(import.meta.dirname, '..'),
    entryPoints: [entry],
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
  expect(inputs.filter(file => rooms.some(room => file.startsWith(`src/${room}/`)))).toEqual([])
})
