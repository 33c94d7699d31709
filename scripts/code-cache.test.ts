import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const loader = resolve(import.meta.dirname, '../bin/code-cache.js')

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'optiflow-code-'))
  file = join(folder, 'program.cjs')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** What the script says when it is started. */
function started(...flags: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, join(folder, 'start.mjs')], { encoding: 'utf8' })
  return stdout + stderr
}

function script(content: string, says: string): void {
  writeFileSync(join(folder, 'start.mjs'), `import { startScript } from '${loader}'\nstartScript('${file}')\n`)
  writeFileSync(
    file,
    `/*${content}*/const { basename } = require('node:path')\nconsole.log('${says}', basename(__filename))`,
  )
}

const caches = () => readdirSync(folder).filter(name => name.endsWith('.cache'))

test('what was compiled is kept beside the script, and taken at the next start', () => {
  script('a1', 'one')
  expect(started()).toBe('one program.cjs\n')
  expect(caches()).toHaveLength(1)
  const kept = join(folder, caches()[0]!)
  const before = statSync(kept)
  expect(started()).toBe('one program.cjs\n')
  // What V8 does not take is written anew.
  expect(statSync(kept).ino).toBe(before.ino)
})

test('a script of other content takes nothing of the one before, though it is as long', () => {
  script('a1', 'one')
  started()
  script('a2', 'two')
  expect(started()).toBe('two program.cjs\n')
  expect(caches()).toHaveLength(2)
})

test('what is damaged is written anew', () => {
  script('a1', 'one')
  started()
  const kept = join(folder, caches()[0]!)
  const whole = readFileSync(kept)
  writeFileSync(kept, whole.subarray(0, whole.length / 2))
  expect(started()).toBe('one program.cjs\n')
  expect(statSync(kept).size).toBe(whole.length)
})

test('under flags that are not ours nothing is kept', () => {
  script('a1', 'one')
  expect(started('--stack-size=900')).toBe('one program.cjs\n')
  expect(caches()).toEqual([])
})
