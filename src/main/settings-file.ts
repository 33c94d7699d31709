import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { closeWords } from '../base/close-words.ts'
import type { Disk } from '../base/disk.ts'
import { codeOf } from '../base/errors.ts'
import { BadSetting } from './bad-setting.ts'
import { isKubeletFile, KubeletFiles } from './kubelet-file/index.ts'

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

/** What a file says of a setting. */
export interface Configured {
  text: string
  /** `node-name in /etc/optiflow/config.yaml` */
  where: string
}

/**
 * The settings of config files, by name; each file wins over those before it. Files of kubelet's kind may be among them.
 * @param known names that there are
 * @param warn told of each field of kubelet's that has no effect
 * @throws BadSetting
 */
export function readConfigs(
  files: readonly DropIn[],
  known: ReadonlySet<string>,
  warn: (problem: string) => void = () => {},
): Map<string, Configured> {
  const all = new Map<string, Configured>()
  const kubelet = new KubeletFiles()
  for (const { path, text } of files) {
    const document = parsedMap(text, path)
    if (isKubeletFile(document)) {
      for (const { setting, text, where } of kubelet.add(document, path))
        if (text === undefined) all.delete(setting)
        else all.set(setting, { text, where })
    } else
      for (const [name, value] of Object.entries(document)) {
        if (!known.has(name)) throw unknownSetting(name, path, known)
        all.set(name, {
          text: Array.isArray(value) ? value.join(',') : String(value),
          where: `${name} in ${path}`,
        })
      }
  }
  kubelet.passedOver().forEach(warn)
  return all
}

function unknownSetting(name: string, where: string, known: ReadonlySet<string>): BadSetting {
  const close = closeWords(name, known)
  return new BadSetting(`${where} has an unknown setting ${JSON.stringify(name)}`, {
    hint: close.length
      ? `Did you mean ${close.slice(0, 3).join(', ')}?`
      : 'Settings have the names of the flags, without --: see "optiflow up --help".',
  })
}

function parsedMap(text: string, where: string): Record<string, unknown> {
  const parsed = parsedYaml(text, where) ?? {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw new BadSetting(`${where} must hold a map of settings`)
  return parsed as Record<string, unknown>
}

function parsedYaml(text: string, where: string): unknown {
  try {
    return parse(text, { maxAliasCount: 10 })
  } catch (cause) {
    throw new BadSetting(`${where} is no YAML`, { cause, hint: 'Write one setting a line: NAME: VALUE.' })
  }
}
