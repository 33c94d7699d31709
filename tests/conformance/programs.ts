import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onPath, run } from '../support/processes.ts'

/** The release whose suite is run. */
export const release = '1.32.13'
/** As the suite's image of it has. */
const sampleApiserver = '0.29.2'

/** Modules that are developed beside Kubernetes and have its version; two have it not in every proxy, and an earlier one does. */
const staged = Object.entries({
  ...Object.fromEntries(
    (
      'api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap component-base ' +
      'component-helpers controller-manager cri-api cri-client csi-translation-lib dynamic-resource-allocation externaljwt kms ' +
      'kube-aggregator kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics mount-utils pod-security-admission'
    )
      .split(' ')
      .map(name => [name, release.replace(/^1/, '0')]),
  ),
  endpointslice: '0.32.12',
  'sample-apiserver': '0.32.3',
}).map(([name, version]) => `replace k8s.io/${name} => k8s.io/${name} v${version}`)

interface Recipe {
  /** What is built, of which module. */
  command: string
  module: string
  replacing?: string[]
  test?: true
}

const kubernetes = { module: `k8s.io/kubernetes v${release}`, replacing: staged }
const recipes: Record<string, Recipe> = {
  'e2e.test': { ...kubernetes, command: 'k8s.io/kubernetes/test/e2e', test: true },
  agnhost: { ...kubernetes, command: 'k8s.io/kubernetes/test/images/agnhost' },
  nonewprivs: { ...kubernetes, command: 'k8s.io/kubernetes/test/images/nonewprivs' },
  'sample-apiserver': { module: `k8s.io/sample-apiserver v${sampleApiserver}`, command: 'k8s.io/sample-apiserver' },
}

export interface Programs {
  /** Path of a program that was built. */
  path(name: keyof typeof recipes): string
  /** Path of a file in the sources of Kubernetes. */
  source(path: string): string
}

/**
 * Builds the suite and the programs of its images with Go from the module proxy, once: they stay in `folder`. The first time takes
 * some 10 minutes of two processors and 4 GB.
 * @throws Error that says what Go said
 */
export async function buildPrograms(folder: string, say: (line: string) => void): Promise<Programs> {
  if (!onPath('go')) throw new Error('no go on PATH: the suite is built by it. Install Go 1.23 or newer')
  for (const [name, recipe] of Object.entries(recipes)) {
    if (existsSync(join(folder, 'bin', name))) continue
    say(`building ${name}`)
    await build(join(folder, recipe.module.replace(/\W+/g, '-')), join(folder, 'bin', name), recipe)
  }
  const { out } = await go(join(folder, kubernetes.module.replace(/\W+/g, '-')), [
    'list',
    '-m',
    '-json',
    'k8s.io/kubernetes',
  ])
  const sources = (JSON.parse(out) as { Dir: string }).Dir
  return { path: name => join(folder, 'bin', name), source: path => join(sources, path) }
}

async function build(folder: string, to: string, { command, module, replacing = [], test }: Recipe): Promise<void> {
  await mkdir(folder, { recursive: true })
  const imports = Object.values(recipes).filter(recipe => recipe.module === module)
  const mod = ['module conformance', 'go 1.23', `require ${module}`, ...replacing].join('\n\n')
  const uses = imports.map(recipe => `import _ "${recipe.command}"`).join('\n')
  if (!(await readFile(join(folder, 'tools.go'), 'utf8').catch(() => '')).includes(uses)) {
    await writeFile(join(folder, 'go.mod'), `${mod}\n`)
    await writeFile(join(folder, 'tools.go'), `//go:build tools\n\npackage tools\n\n${uses}\n`)
    await go(folder, ['mod', 'tidy', '-e'])
  }
  await go(folder, [...(test ? ['test', '-c'] : ['build', '-ldflags', '-s -w']), '-o', to, command])
}

async function go(cwd: string, args: string[]) {
  const env = { ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' }
  const ended = await run('go', args, { cwd, env, timeoutMs: 3_600_000 })
  if (ended.code !== 0)
    throw new Error(`go ${args.join(' ')} in ${cwd} ended with ${ended.code}\n${ended.err.slice(-2000)}`)
  return ended
}
