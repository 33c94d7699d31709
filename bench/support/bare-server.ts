import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { type ApiConnection, type ApiKeys, openApi } from './api.ts'
import { dataFolder, endProcess } from './cluster.ts'

/** The floor: see bare-main.ts. */
export interface BareServer extends AsyncDisposable {
  pid: number
  api: ApiConnection
}

export async function startBareServer(): Promise<BareServer> {
  const folder = dataFolder()
  const child = fork(join(import.meta.dirname, 'bare-main.ts'), [folder.path], { execArgv: ['--import', 'tsx'] })
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the bare server ended with ${code}`)))
  ended.catch(() => {})
  const [keys] = (await Promise.race([once(child, 'message'), ended])) as [ApiKeys]
  const api = openApi(keys)
  return {
    pid: child.pid!,
    api,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      await endProcess(child)
      folder[Symbol.dispose]()
    },
  }
}
