import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { closeWords } from '../base/close-words.ts'
import type { Disk } from '../base/disk.ts'
import { codeOf } from '../base/errors.ts'
import { BadSetting } from './bad-setting.ts'

/** Reads the config file: the one named, or /etc/optiflow/config.yaml or ~/.config/optiflow/config.yaml if there. */
export async function readConfigFile(disk: Disk, named: string | undefined): Promise<DropIn | undefined> {
  const places = named
    ? [resolve(named)]
    : ['/etc/optiflow/config.yaml', join(homedir(), '.config/optiflow/config.yaml')]
  for (const place of places) {
    try {
      return { path: place, text: await disk.readText(place) }
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT' || named)
        throw new BadSetting(`cannot read the config file ${place}`, {
          cause,
          hint: 'Check the path given with --config.',
        })
    }
  }
  return undefined
}

/** One more file of settings, which wins over those before it. */
export interface DropIn {
  path: string
  text: string
}

/**
 * Reads the files of a folder whose names end in `.conf`, as kubelet's `--config-dir` takes them: in the order of their
 * names, folders in it left alone. @throws BadSetting
 */
export async function readConfigFolder(disk: Disk, named: string | undefined): Promise<DropIn[]> {
  if (!named) return []
  const folder = resolve(named)
  try {
    const entries = await disk.list(folder)
    const paths = entries.filter(e => !e.isDirectory() && e.name.endsWith('.conf')).map(e => join(folder, e.name))
    return await Promise.all(paths.sort().map(async path => ({ path, text: await disk.readText(path) })))
  } catch (cause) {
    throw new BadSetting(`cannot read the folder of config files ${folder}`, {
      cause,
      hint: 'Check the path given with --config-dir.',
    })
  }
}

/** The settings of a config file, by name. @param known names that there are @throws BadSetting */
export function readConfig(
  text: string | undefined,
  known: ReadonlySet<string>,
  where = 'the config file',
): Record<string, string> {
  if (!text) return {}
  const parsed = parsedYaml(text, where)
  if (parsed === null) return {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw new BadSetting(`${where} must hold a map of settings`)
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(parsed)) {
    if (known.has(name)) {
      out[name] = Array.isArray(value) ? value.join(',') : String(value)
      continue
    }
    const close = closeWords(name, known)
    throw new BadSetting(`${where} has an unknown setting ${JSON.stringify(name)}`, {
      hint: close.length
        ? `Did you mean ${close.slice(0, 3).join(', ')}?`
        : 'Settings have the names of the flags, without --: see "optiflow up --help".',
    })
  }
  return out
}

function parsedYaml(text: string, where: string): unknown {
  try {
    return parse(text, { maxAliasCount: 10 })
  } catch (cause) {
    throw new BadSetting(`${where} is no YAML`, { cause, hint: 'Write one setting a line: NAME: VALUE.' })
  }
}
