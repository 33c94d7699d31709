import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemDisk } from '../../../../base/disk.ts'
import { workerFile } from '../../../../base/worker-file.ts'
import { loadSqlite, type OpenDatabase, single } from '../../database.ts'
import { Durable } from '../../durable.ts'
import { firstPosition } from '../../schema.ts'
import { WholeValues } from '../../whole-values.ts'
import { Writer } from '../../writer.ts'
import { type CrashImage, crashImages, readOperations } from './images.ts'

const bugs = {
  /** The log is synced only before checkpoints, as `synchronous=NORMAL` does. */
  neverSynced: [/fdatasyncSync\(this\.#\w+\)/, ''],
  /** The thread that syncs beside the writing tells first. */
  toldTooEarly: [/this\.#log\.sync\(\)/, 'setImmediate(() => this.#log.sync())'],
} as const satisfies Record<string, [RegExp, string]>
export type Bug = keyof typeof bugs

export interface Outcome {
  images: number
  /** Commits acknowledged or published in the whole run. */
  commits: number
  /** Acknowledged or published, and then not in the store: in how many images, and the first of them. */
  lost: { images: number; first: string | undefined }
  /** Images that could not be opened, or were damaged. */
  unsound: string[]
}

export const canRecord = process.platform === 'linux' && hasCompiler()

function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/**
 * Records what a store under load writes, takes the power away at many moments, and opens what is then left.
 * @param writers 32 or more have a thread of its own sync the log
 * @param planted a bug that must be found
 */
export async function losePower(options: {
  images: number
  commits: number
  seed: number
  writers: number
  planted?: Bug
}): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'optiflow-power-'))
  try {
    const log = await record(folder, options)
    const open = await loadSqlite()
    const outcome: Outcome = { images: 0, commits: 0, lost: { images: 0, first: undefined }, unsound: [] }
    for (const image of crashImages(readOperations(log), options.images, options.seed)) {
      outcome.images++
      outcome.commits = image.said.length
      judge(open, join(folder, 'image'), image, outcome)
    }
    return outcome
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function record(
  folder: string,
  { commits, writers, planted }: { commits: number; writers: number; planted?: Bug },
): Promise<Buffer> {
  const shim = join(folder, 'shim.so')
  execFileSync('cc', ['-O2', '-shared', '-fPIC', '-o', shim, here('./shim.c'), '-ldl', '-lpthread'])
  const store = join(folder, 'live/state.db')
  mkdirSync(dirname(store))
  const log = join(folder, 'operations')
  const args = ['--import', 'tsx', here('./load.ts'), store, `${commits}`, `${writers}`]
  const child = spawn(process.execPath, planted ? [...args, await workerWith(planted)] : args, {
    env: { ...process.env, LD_PRELOAD: shim, POWER_PREFIX: store, POWER_LOG: log },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  await new Promise(resolve => child.on('close', resolve))
  return readFileSync(log)
}

/** The store's threads with the bug in them. */
async function workerWith(bug: Bug): Promise<string> {
  const file = fileURLToPath(await workerFile(new URL('../../worker.ts', import.meta.url), systemDisk))
  const sound = readFileSync(file, 'utf8')
  const [place, planted] = bugs[bug]
  const code = sound.replace(place, planted)
  if (code === sound) throw new Error(`the bug ${bug} has no place any more`)
  const path = join(dirname(file), `${bug}-${basename(file)}`)
  if (!existsSync(path)) writeFileSync(path, code)
  return path
}

/** Keys whose head is not the last change of the key. */
const headsAstray = `SELECT count(*) FROM (SELECT key, max(position) AS last, count(*) AS changes FROM log GROUP BY key) l
  LEFT JOIN heads h ON h.key = l.key AND h.position = l.last AND h.changes = l.changes WHERE h.key IS NULL`

function judge(open: OpenDatabase, folder: string, image: CrashImage, outcome: Outcome): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  const path = join(folder, 'state.db')
  for (const [name, bytes] of image.files)
    if (/state\.db(-wal|-journal)?$/.test(name)) writeFileSync(join(folder, basename(name)), bytes)
  try {
    const { writer } = Writer.open(open, {
      ...{ role: 'writer', path, checkpointPages: 1000, check: 'always' },
      ...{ durable: new Durable().memory, headsBehind: 40, looksOut: false },
    })
    writer.close()
  } catch (error) {
    outcome.unsound.push((error as Error).message)
    return
  }
  const database = open(path)
  const astray = single(database, headsAstray) as number
  if (astray > 0) outcome.unsound.push(`the heads of ${astray} keys are not where the log says`)
  const values = new WholeValues(database)
  const lost = image.said.find(({ revision, value }) => {
    const bytes = values.at(firstPosition(revision))
    return !bytes || Buffer.from(bytes).toString().split(' ')[0] !== value
  })
  database.close()
  if (!lost) return
  outcome.lost.images++
  outcome.lost.first ??= `${lost.key} ${lost.value} of revision ${lost.revision}`
}
