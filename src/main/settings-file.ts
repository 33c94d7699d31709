import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import type { Disk } from '../base/disk.ts'
import { codeOf } from '../base/errors.ts'
import { BadSetting } from './bad-setting.ts'

/** Reads the config file: the one named, or /etc/optiflow/config.yaml or ~/.config/optiflow/config.yaml if there. */
export async function readConfigFile(disk: Disk, named: string | undefined): Promise<string | undefined> {
  const places = named
    ? [resolve(named)]
    : ['/etc/optiflow/config.yaml', join(homedir(), '.config/optiflow/config.yaml')]
  for (const place of places) {
    try {
      return await disk.readText(place)
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

/** The settings of a config file, by name. @param known names that there are @throws BadSetting */
export function readConfig(text: string | undefined, known: ReadonlySet<string>): Record<string, string> {
  if (!text) return {}
  const parsed: unknown = parse(text, { maxAliasCount: 10 })
  if (parsed === null) return {}
  if (typeof parsed !== 'object' || Array.isArray(parsed))
    throw new BadSetting('the config file must hold a map of settings')
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(parsed)) {
    if (!known.has(name))
      throw new BadSetting(`the config file has an unknown setting ${JSON.stringify(name)}`, {
        hint: `Known settings: ${[...known].join(', ')}.`,
      })
    out[name] = Array.isArray(value) ? value.join(',') : String(value)
  }
  return out
}
