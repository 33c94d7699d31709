import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Nodes } from './nodes.ts'

export interface Spec {
  name: string
  /** It may not run beside others. */
  serial: boolean
}

export interface Outcome {
  spec: string
  state: 'passed' | 'failed' | 'skipped'
  /** What the suite said of a failure. */
  message: string
  seconds: number
}

/** What is run with the suite: its program, the nodes, and a folder for reports. */
export interface Suite {
  program: string
  nodes: Nodes
  folder: string
}

/** Names of the suite's specs that `focus` matches, as a dry run tells them. */
export async function specsOf(suite: Suite, focus: string): Promise<Spec[]> {
  const outcomes = await report(suite, 'list', ['--ginkgo.dry-run', '--ginkgo.focus', focus])
  return outcomes
    .filter(({ state }) => state === 'passed')
    .map(({ spec }) => ({ name: spec, serial: spec.includes('[Serial]') }))
}

/** Runs specs in one process of the suite, one after the other. A process that dies takes those that it had not told of with it: they failed. */
export async function runSpecs(suite: Suite, name: string, specs: readonly string[]): Promise<Outcome[]> {
  const focus = specs.map(spec => spec.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
  const told = (await report(suite, name, ['--ginkgo.focus', focus])).filter(({ spec }) => specs.includes(spec))
  const missing = specs.filter(spec => !told.some(outcome => outcome.spec === spec))
  return [
    ...told,
    ...missing.map(spec => ({ spec, state: 'failed' as const, message: 'the suite told nothing of it', seconds: 0 })),
  ]
}

interface SpecReport {
  ContainerHierarchyTexts: string[] | null
  LeafNodeText: string
  LeafNodeType: string
  State: string
  RunTime: number
  Failure?: { Message: string }
}

async function report({ program, nodes, folder }: Suite, name: string, args: string[]): Promise<Outcome[]> {
  const file = join(folder, `${name}.json`)
  const common = [
    '--kubeconfig',
    nodes.kubeconfig,
    '--provider',
    'skeleton',
    '--kubectl-path',
    'kubectl',
    '--ginkgo.no-color',
    '--ginkgo.timeout',
    '3h',
  ]
  const { out, err } = await nodes.outside.run(program, [...common, '--ginkgo.json-report', file, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder, KUBECONFIG: nodes.kubeconfig },
    timeoutMs: 3 * 3_600_000,
  })
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(`the suite wrote no report to ${file}\n${(out + err).slice(-2000)}`)
  })
  const [{ SpecReports: specs }] = JSON.parse(text) as [{ SpecReports: SpecReport[] }]
  return specs
    .filter(({ LeafNodeType }) => LeafNodeType === 'It')
    .map(one => ({
      spec: [...(one.ContainerHierarchyTexts ?? []), one.LeafNodeText].join(' '),
      state: one.State === 'passed' || one.State === 'skipped' ? one.State : 'failed',
      message: one.Failure?.Message ?? '',
      seconds: one.RunTime / 1e9,
    }))
}
