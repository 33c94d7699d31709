import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

const folder = resolve(import.meta.dirname, '..')

export interface ScriptOptions {
  limitMs?: number
  /** Hears what it writes as it is written. */
  heard?: (text: string) => void
}

/** Runs another bench of this folder to its end; what it wrote. @throws Error when it fails or takes longer than `limitMs` */
export function runScript(
  file: string,
  args: string[],
  { limitMs = 90_000, heard }: ScriptOptions = {},
): Promise<string> {
  return new Promise((done, fail) => {
    // With the room for young objects that the program itself starts with (the first line of bin/optiflow).
    const node = ['--max-semi-space-size=32', '--import', 'tsx']
    const child = spawn(process.execPath, [...node, resolve(folder, file), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.on('data', chunk => {
      out += chunk
      heard?.(String(chunk))
    })
    child.stderr.on('data', chunk => {
      err += chunk
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    child.on('exit', code => {
      clearTimeout(timer)
      if (code === 0) done(out.trim())
      else fail(new Error(`bench/${file} ended with ${code}: ${err.trim().slice(-500)}`))
    })
  })
}
