import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasKubectl } from '../support/cluster.ts'
import { run } from '../support/processes.ts'

/** Commands that never ask the API, or ask the user. */
const local = new Set(['completion', 'config', 'plugin', 'kustomize'])
const folders = [import.meta.dirname, join(import.meta.dirname, '..')]

async function commandsOf(...above: string[]): Promise<string[]> {
  const { out } = await run('kubectl', [...above, '--help'])
  // Commands are those lines that are indented by two and have a description; options begin with a dash.
  const listed = out.slice(0, out.indexOf('\nUsage:')).split('\n')
  return listed.flatMap(line => /^ {2}([a-z][a-z-]*) {2,}\S/.exec(line)?.[1] ?? [])
}

describe.skipIf(!hasKubectl)('every command of kubectl (needs kubectl on PATH)', () => {
  const texts = folders
    .flatMap(folder => readdirSync(folder).map(name => join(folder, name)))
    .filter(path => path.endsWith('.test.ts') && !path.endsWith('surface.test.ts'))
    .map(path => readFileSync(path, 'utf8'))
    .join('\n')
  const named = (word: string) => new RegExp(`['\`" ]${word}['\`" ]`).test(texts)

  it('is used in a test', async () => {
    const commands = (await commandsOf()).filter(command => !local.has(command))
    expect(commands.length).toBeGreaterThan(35)
    expect(commands.filter(command => !named(command))).toEqual([])
  })

  it.each(['auth', 'certificate', 'create', 'rollout', 'set', 'apply', 'top'])('and each of %s', async command => {
    const below = (await commandsOf(command)).filter(name => name !== command)
    expect(below.length).toBeGreaterThan(1)
    expect(below.filter(name => !named(name))).toEqual([])
  })
})
