import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { Disk } from '../base/disk.ts'
import { codeOf } from '../base/errors.ts'
import type { AnyObject } from '../models/object.ts'
import { UsageError } from './failure.ts'

/** One object of a file, and where it stands, for messages. */
export interface Manifest {
  object: AnyObject
  source: string
}

/** Reads YAML or JSON files, folders of them (not below), or `-` for standard input; Lists are unfolded. @throws UsageError */
export async function readManifests(paths: string[], disk: Disk, stdin: () => Promise<string>): Promise<Manifest[]> {
  if (!paths.length)
    throw new UsageError('must specify one of -f FILE', { hint: 'Name a file, a folder or - for standard input.' })
  const out: Manifest[] = []
  for (const path of paths) {
    if (path === '-') out.push(...parseManifests(await stdin(), 'standard input'))
    else for (const file of await filesOf(path, disk)) out.push(...parseManifests(await disk.readText(file), file))
  }
  if (!out.length)
    throw new UsageError(`no objects in ${paths.join(', ')}`, {
      hint: 'Of a folder its files .yaml, .yml and .json are read, and none below it.',
    })
  return out
}

async function filesOf(path: string, disk: Disk): Promise<string[]> {
  try {
    if (!(await disk.stat(path)).isDirectory()) return [path]
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') throw new UsageError(`the path "${path}" does not exist`)
    throw new UsageError(`cannot read ${path}`, { cause })
  }
  const entries = await disk.list(path)
  return entries
    .filter(e => e.isFile() && /\.(ya?ml|json)$/.test(e.name))
    .map(e => join(path, e.name))
    .sort()
}

export function parseManifests(text: string, source: string): Manifest[] {
  const out: Manifest[] = []
  for (const document of parseAllDocuments(text, { version: '1.1' })) {
    const [error] = document.errors
    if (error)
      throw new UsageError(`${source}: ${error.message.split('\n')[0]!.replace(/:$/, '')}`, {
        hint: /^Tabs/.test(error.message) ? 'Indent with spaces.' : 'Mend the file there: it is no YAML.',
      })
    const value = document.toJS({ maxAliasCount: 100 })
    if (value === null || value === undefined) continue
    const objects = Array.isArray(value.items) && String(value.kind).endsWith('List') ? value.items : [value]
    for (const object of objects) {
      for (const field of ['apiVersion', 'kind'])
        if (typeof object?.[field] !== 'string')
          throw new UsageError(`${source}: an object has no ${field}`, {
            hint: 'Every object starts with apiVersion and kind.',
          })
      out.push({ object, source })
    }
  }
  return out
}
