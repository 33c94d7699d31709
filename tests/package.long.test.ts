import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from './support/cluster.ts'
import { run } from './support/processes.ts'

const program = `
import { ControlPlane, kinds } from 'optiflow'

await using cluster = await ControlPlane.start({ nodes: 2 })
const key = { namespace: 'default', name: 'web' }
await cluster.client.create(kinds.Workload, { metadata: key, spec: { image: 'web:1', replicas: 2 } })
for (;;) {
  const { status } = await cluster.client.get(kinds.Workload, key)
  if (status?.readyReplicas === 2) break
  await new Promise(resolve => setTimeout(resolve, 20))
}
console.log('ready')
`

/** A CommonJS file, which gets the same classes by `require` and by `import`. */
const common = `
import { ControlPlane, kinds, type Reconciler } from 'optiflow'

export const reconciler: Reconciler = { name: 'none', primary: kinds.Pod, writes: [], reconcile: async () => {} }
void import('optiflow').then(library => console.log(library.ControlPlane === ControlPlane))
`

const strict = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2023,esnext.disposable']

describe('the package, in a project that has nothing but it', () => {
  let folder: string
  const ok = async (program: string, args: string[], cwd = folder) => {
    const { code, out, err } = await run(program, args, { cwd, timeoutMs: 240_000 })
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}\n${out}${err}`)
    return out
  }

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'optiflow-test-')))
    const packed = await ok('npm', ['pack', '--silent', '--pack-destination', folder], root)
    await mkdir(join(folder, 'node_modules/optiflow'), { recursive: true })
    await ok('tar', ['-xzf', packed.trim().split('\n').pop()!, '-C', 'node_modules/optiflow', '--strip-components=1'])
    // What the package asks for, and Node's own types, which every project in TypeScript has.
    const asked = await ok('npm', ['ls', '--omit=dev', '--all', '--parseable'], root)
    const modules = join(root, 'node_modules')
    const wanted = new Set(asked.split('\n').filter(path => path.startsWith(modules)))
    for (const path of [...wanted, join(modules, '@types/node'), join(modules, 'undici-types')]) {
      const name = relative(modules, path)
      if (name.includes('node_modules')) continue
      const link = join(folder, 'node_modules', name)
      await mkdir(dirname(link), { recursive: true })
      await symlink(path, link).catch(() => {})
    }
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
    await writeFile(join(folder, 'app.ts'), program)
    await writeFile(join(folder, 'common.cts'), common)
  })
  afterAll(async () => {
    if (folder) await rm(folder, { recursive: true })
  })

  it('has types that need nothing else, checked as strictly as can be', async () => {
    expect(
      await ok(join(root, 'node_modules/.bin/tsc'), ['--ignoreConfig', ...strict, '--outDir', 'out', 'app.ts']),
    ).toBe('')
  })

  it('has no declarations that nobody reaches', async () => {
    const program = [
      join(root, 'node_modules/.bin/tsc'),
      '--ignoreConfig',
      ...strict,
      '--noEmit',
      '--listFiles',
      'app.ts',
    ]
    const read = (await ok(program[0]!, program.slice(1)))
      .split('\n')
      .filter(path => path.includes('/optiflow/dist/types/'))
    const packed = await readdir(join(folder, 'node_modules/optiflow/dist/types'), { recursive: true })
    expect(packed.filter(path => path.endsWith('.d.ts')).length).toBe(read.length)
  })

  it('is for CommonJS too, with the same classes', async () => {
    const compiler = join(root, 'node_modules/.bin/tsc')
    await ok(compiler, ['--ignoreConfig', ...strict, '--module', 'node16', '--outDir', 'out', 'common.cts'])
    expect(await ok(process.execPath, ['out/common.cjs'])).toBe('true\n')
  })

  it('is a control plane in a few lines', async () => {
    expect(await ok(process.execPath, ['out/app.js'])).toContain('ready')
  })

  it('is a program', async () => {
    expect(await ok('node_modules/optiflow/bin/optiflow', ['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
