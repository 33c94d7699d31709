import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { openApi } from '../support/api.ts'
import { endProcess } from '../support/cluster.ts'
import { type BenchKubernetes, startKubernetes } from '../support/kubernetes.ts'
import { freePorts } from '../support/ports.ts'
import { pause } from '../support/statistics.ts'
import { openSide, type Side } from './side.ts'

/** Both servers, with the same flags, certificates and keys, and nothing that anybody made on them. */
export interface Both extends AsyncDisposable {
  ours: Side
  theirs: Side
  /** The other server, and the keys of both. */
  kubernetes: BenchKubernetes
}

const sources = resolve(import.meta.dirname, '../../src/cli/main.ts')
const patienceMs = 300_000

/** @throws Error with the last words of a server that does not get ready */
export async function startBoth(starting = startKubernetes()): Promise<Both> {
  const theirs = await starting
  try {
    const ours = await startOurs(theirs.flagsAt, theirs.api.keys)
    const sides = [openSide('ours', ours.keys), openSide('Kubernetes', theirs.api.keys)] as const
    return {
      ours: sides[0],
      theirs: sides[1],
      kubernetes: theirs,
      async [Symbol.asyncDispose]() {
        for (const side of sides) side[Symbol.dispose]()
        await ours[Symbol.asyncDispose]()
        await theirs[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await theirs[Symbol.asyncDispose]()
    throw error
  }
}

type Keys = Parameters<typeof openApi>[0]

/** From the sources as they are, so that a mend is seen without a build. */
async function startOurs(flagsAt: (port: number) => string[], keys: Keys): Promise<{ keys: Keys } & AsyncDisposable> {
  const [port] = await freePorts(1)
  const args = ['--import', 'tsx', sources, 'envtest', 'kube-apiserver', ...flagsAt(port!)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', chunk => {
    said = (said + chunk).slice(-5_000)
  })
  const own = { ...keys, port: port! }
  await using api = openApi(own)
  const startedAt = performance.now()
  while ((await api.request('GET', '/readyz').catch(() => undefined))?.status !== 200) {
    const ended = child.exitCode !== null
    if (ended || performance.now() - startedAt > patienceMs) {
      await endProcess(child)
      throw new Error(`optiflow envtest kube-apiserver ${ended ? 'ended' : 'is not ready'}:\n${said}`)
    }
    await pause(50)
  }
  return { keys: own, [Symbol.asyncDispose]: () => endProcess(child) }
}
