import { join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { codeOf, OptiFlowError } from '../base/errors.ts'
import { processMark } from './process-mark.ts'

/** A process of ours that another one is to find again. */
export interface NotedProcess {
  pid: number
  /** Tells it from another one that got the same number later, also after the machine was started anew; where there is no /proc, nothing does. */
  mark?: string
}

/** What is noted of a process that runs. */
export async function noted(disk: Disk, pid: number): Promise<NotedProcess> {
  const mark = await processMark(disk, pid)
  return { pid, ...(mark ? { mark } : {}) }
}

/** What a cluster leaves in its data folder, from its first moment on, for `status` and `down`. */
export interface RunFile extends NotedProcess {
  /** `starting` until everything answers; the address is then the one that it will have. */
  state: 'starting' | 'ready'
  startedAt: string
  url: string
  /** The address it listens on, as asked for. */
  listen: string
  runtime: 'containerd' | 'simulated'
  nodes: string[]
  kubeconfig: string
  context: string
}

const pathIn = (dataDir: string) => join(dataDir, 'run.json')
const kubeconfigNote = (dataDir: string) => join(dataDir, 'kubeconfig.json')

export async function readRunFile(disk: Disk, dataDir: string): Promise<RunFile | undefined> {
  try {
    // Those that an older version wrote have no state: it wrote them when all was ready.
    return { state: 'ready', ...JSON.parse(await disk.readText(pathIn(dataDir))) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

export async function writeRunFile(disk: Disk, dataDir: string, run: RunFile): Promise<void> {
  await disk.write(pathIn(dataDir), `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 })
}

export async function removeRunFile(disk: Disk, dataDir: string): Promise<void> {
  await disk.remove(pathIn(dataDir))
}

/** Takes away the run file of one process; that of another stays. */
export async function removeRunFileOf(disk: Disk, dataDir: string, pid: number): Promise<void> {
  if ((await readRunFile(disk, dataDir))?.pid === pid) await removeRunFile(disk, dataDir)
}

/** True while the process lives and is ours, not a later owner of the same number. */
export async function isRunning(disk: Disk, { pid, mark }: NotedProcess): Promise<boolean> {
  if (mark !== undefined) return (await processMark(disk, pid)) === mark
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return false
  }
  // An older version noted the number alone.
  const command = await disk.readText(`/proc/${pid}/cmdline`).catch(() => undefined)
  return command === undefined || command.includes('optiflow') || command.includes('cli/main')
}

/** The cluster that runs from this folder now. */
export async function runningCluster(disk: Disk, dataDir: string): Promise<RunFile | undefined> {
  const run = await readRunFile(disk, dataDir)
  return run && (await isRunning(disk, run)) ? run : undefined
}

/** Something that uses the data folder would be disturbed. */
export class AlreadyRunning extends OptiFlowError {}

/**
 * Makes sure that no cluster and no server alone runs from this folder.
 * @param why what it would mean
 * @throws AlreadyRunning with the process and what to do
 */
export async function refuseWhileRunning(disk: Disk, dataDir: string, why: string): Promise<void> {
  const hint = 'End it first: optiflow down'
  const cluster = await runningCluster(disk, dataDir)
  // A process of a container may get the number of one that ended without a word: ours.
  if (cluster && cluster.pid !== process.pid)
    throw new AlreadyRunning(`a cluster runs from ${dataDir}: process ${cluster.pid} at ${cluster.url}; ${why}`, {
      hint,
    })
  for (const one of await readParts(disk, dataDir))
    if (one.part === 'server' && one.pid !== process.pid && (await isRunning(disk, one)))
      throw new AlreadyRunning(`a server runs from ${dataDir}: process ${one.pid}; ${why}`, { hint })
}

/** Where this cluster's context was written: outlives the process, for `down --purge`. */
export interface KubeconfigNote {
  kubeconfig: string
  /** That of whoever called sudo, who has the context too. */
  callers?: string
  context: string
}

export async function readKubeconfigNote(disk: Disk, dataDir: string): Promise<KubeconfigNote | undefined> {
  return disk.readText(kubeconfigNote(dataDir)).then(JSON.parse, () => undefined)
}

export async function writeKubeconfigNote(disk: Disk, dataDir: string, note: KubeconfigNote): Promise<void> {
  await disk.write(kubeconfigNote(dataDir), `${JSON.stringify(note)}\n`)
}

const partsIn = (dataDir: string) => join(dataDir, 'run')

/** Notes that this process runs one part (`agent`) over this data folder, so that `down` finds it; disposing takes the note away. */
export async function notePart(disk: Disk, dataDir: string, part: string): Promise<AsyncDisposable> {
  const path = join(partsIn(dataDir), `${part}.json`)
  await disk.write(path, `${JSON.stringify({ part, ...(await noted(disk, process.pid)) })}\n`, { mode: 0o600 })
  return { [Symbol.asyncDispose]: () => disk.remove(path) }
}

/** The parts noted in this data folder, those first that need the others; some may have ended without a word. */
export async function readParts(disk: Disk, dataDir: string): Promise<(NotedProcess & { part: string })[]> {
  const order = ['agent', 'scheduler', 'controller', 'server']
  const found: (NotedProcess & { part: string })[] = []
  for (const part of order) {
    const text = await disk.readText(join(partsIn(dataDir), `${part}.json`)).catch(() => undefined)
    if (text) found.push(JSON.parse(text))
  }
  return found
}

/** Forgets all parts. */
export async function removeParts(disk: Disk, dataDir: string): Promise<void> {
  await disk.remove(partsIn(dataDir))
}
