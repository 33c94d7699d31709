/*
 * Starts the program's one script with what V8 compiled of it at an earlier start: to compile it anew takes a third of what a server
 * needs until it is ready, and half of a short command. Node keeps no such thing of ES modules before 22, so the program is a script.
 */
import { isAscii } from 'node:buffer'
import { accessSync, constants, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { Script } from 'node:vm'

/** A server has done by then what every start does. */
const settledMs = 5_000
/** V8 takes what it compiled under the same flags only. These are ours, others get nothing kept. */
const usualFlags = ['', '--max-semi-space-size=32']

/** @param {string} file a CommonJS script that begins with a comment that names its content */
export function startScript(file) {
  const bytes = readFileSync(file)
  const code = isAscii(bytes) ? bytes.latin1Slice() : bytes.toString()
  const kept = keptFile(file, code)
  const cachedData = kept && readIfThere(kept)
  const before = '(function(exports,require,module,__filename,__dirname){'
  const script = new Script(`${before}${code}\n})`, { filename: file, columnOffset: -before.length, cachedData })
  if (kept && (!cachedData || script.cachedDataRejected)) keep(script, kept)
  const module = { exports: {} }
  script.runInThisContext().call(module.exports, module.exports, createRequire(file), module, file, dirname(file))
}

/** Beside the script, so whoever can write it can write the script too; its name has all that it depends on. */
function keptFile(file, code) {
  const [, content] = /^\/\*(\w+)\*\//.exec(code.slice(0, 100)) ?? []
  const flags = usualFlags.indexOf(process.execArgv.join(' '))
  return content && flags >= 0 ? `${file}.${content}-${process.version}-${process.arch}-${flags}.cache` : undefined
}

/** Once this process has settled, or when it ends before. */
function keep(script, kept) {
  try {
    accessSync(dirname(kept), constants.W_OK)
  } catch {
    // Installed by somebody else: every start compiles.
    return
  }
  let done = false
  const write = () => {
    if (done) return
    done = true
    const part = `${kept}.${process.pid}`
    try {
      writeFileSync(part, script.createCachedData())
      renameSync(part, kept)
    } catch {
      // Only a help for the next start.
      rmSync(part, { force: true })
    }
  }
  setTimeout(write, settledMs).unref()
  process.once('exit', write)
}

function readIfThere(path) {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}
