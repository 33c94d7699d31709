import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Acknowledged {
  key: string
  revision: bigint
  value: string
}

/** Starts a process that writes; resolves with it once `count` commits were acknowledged. */
export async function load(path: string, round: number, limit = 0) {
  const script = fileURLToPath(new URL('./load.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, `${round}`, `${limit}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  let onLine = () => {}
  child.stdout.on('data', chunk => {
    text += chunk
    onLine()
  })
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  const lines = () => text.split('\n').slice(0, -1)
  return {
    pid: child.pid,
    kill: () => child.kill('SIGKILL'),
    ended,
    lines,
    atLeast: (count: number) =>
      new Promise<void>(resolve => {
        onLine = () => {
          if (lines().length >= count) resolve()
        }
        onLine()
      }),
    acknowledged: (): Acknowledged[] =>
      lines()
        .filter(line => line.startsWith('/'))
        .map(line => {
          const [key, revision, value] = line.split(' ')
          return { key: key!, revision: BigInt(revision!), value: value! }
        }),
  }
}
