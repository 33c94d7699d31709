import type { Argument, Command, Option } from 'commander'
import { connectionFlagNames } from './leading-flags.ts'

/** What a word may become, and what that is. */
export interface Completion {
  value: string
  about: string
}

/** The shell's own completion of paths takes over. */
export const files = Symbol('files')

/** What a word stands for that only the cluster, or its kubeconfig, can tell. */
export type Asked =
  | { what: 'kinds' }
  /** Of a kind; of `pods` unless one is named before a slash in `before`. */
  | { what: 'names'; kind: string; before?: string }
  | { what: 'contexts' }

export interface CompletionSources {
  /** Empty rather than an error. */
  ask(asked: Asked, flags: Record<string, string>): Promise<string[]>
}

/** By the names that commands give their arguments. */
const argumentKinds: Record<string, string> = { workload: 'workloads', target: 'pods', object: 'pods', what: 'pods' }
const outputForms = ['json', 'yaml', 'wide', 'name']

/**
 * What the last of `words` may become, by commander's own tree.
 * @param words after the program's name; the last one is being written and may be empty
 */
export async function completions(
  program: Command,
  words: readonly string[],
  sources: CompletionSources,
): Promise<Completion[] | typeof files> {
  const current = words.at(-1) ?? ''
  const { command, positionals, flags, expecting, onlyArguments } = read(program, words.slice(0, -1))
  const fitting = (found: Completion[] | typeof files, before = '') =>
    found === files
      ? files
      : found.map(one => ({ ...one, value: before + one.value })).filter(({ value }) => value.startsWith(current))
  if (expecting) return fitting(await valuesOf(expecting, flags, sources))
  if (current.startsWith('-') && !onlyArguments) {
    const [name] = current.split('=', 1)
    if (name === current) return fitting(flagsOf(command))
    const option = optionOf(command, name!)
    return option ? fitting(await valuesOf(option, flags, sources), `${name}=`) : []
  }
  const below = positionals.length ? [] : commandsOf(command)
  const argument = argumentAt(command, positionals.length)
  if (!argument) return fitting(below)
  const found = await argumentValues(command, argument, { positionals, flags, current }, sources)
  return found === files ? files : fitting([...below, ...found])
}

interface Position {
  command: Command
  positionals: string[]
  /** Values of flags by their long names: `namespace`. */
  flags: Record<string, string>
  /** The flag that the next word is the value of. */
  expecting: Option | undefined
  /** After `--`. */
  onlyArguments: boolean
}

function read(program: Command, words: readonly string[]): Position {
  const at: Position = { command: program, positionals: [], flags: {}, expecting: undefined, onlyArguments: false }
  // Flags of the connection may stand before the command.
  const leading = program.commands.flatMap(c => c.options).filter(o => connectionFlagNames.has(o.long ?? ''))
  for (const word of words) {
    if (at.expecting) {
      at.flags[at.expecting.name()] = word
      at.expecting = undefined
    } else if (word === '--') at.onlyArguments = true
    else if (word.startsWith('-') && word !== '-' && !at.onlyArguments) {
      const [name, value] = splitOnce(word)
      const option = optionOf(at.command, name) ?? leading.find(is(name))
      if (!option || (!option.required && value === undefined)) continue
      if (value === undefined) at.expecting = option
      else at.flags[option.name()] = value
    } else {
      const below = at.positionals.length
        ? undefined
        : at.command.commands.find(c => c.name() === word || c.aliases().includes(word))
      if (below) at.command = below
      else at.positionals.push(word)
    }
  }
  return at
}

function splitOnce(word: string): [string, string | undefined] {
  const at = word.indexOf('=')
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]
}

const is =
  (flag: string) =>
  ({ short, long }: Option): boolean =>
    flag === short || flag === long

const optionOf = (command: Command, flag: string) => command.options.find(is(flag))

const flagsOf = (command: Command): Completion[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ short, long, description }) =>
      [long, short].flatMap(f => (f ? [{ value: f, about: description }] : [])),
    )

const commandsOf = (command: Command): Completion[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map(below => ({ value: below.name(), about: below.description() }))

const argumentAt = ({ registeredArguments: all }: Command, index: number): Argument | undefined =>
  all[index] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined)

const plain = (values: readonly string[]): Completion[] => values.map(value => ({ value, about: '' }))

const pathName = /^(file|folder|dir|path|trace)$|-(file|dir)$/

async function valuesOf(
  option: Option,
  flags: Record<string, string>,
  { ask }: CompletionSources,
): Promise<Completion[] | typeof files> {
  if (option.argChoices) return plain(option.argChoices)
  const name = option.name()
  if (name === 'namespace') return plain(await ask({ what: 'names', kind: 'namespaces' }, flags))
  if (name === 'context') return plain(await ask({ what: 'contexts' }, flags))
  if (name === 'output') return plain(outputForms.filter(form => new RegExp(`\\b${form}\\b`).test(option.description)))
  const [, value = ''] = /[<[]([^>\].]+)/.exec(option.flags) ?? []
  return pathName.test(value) ? files : []
}

async function argumentValues(
  command: Command,
  argument: Argument,
  { positionals, flags, current }: { positionals: string[]; flags: Record<string, string>; current: string },
  { ask }: CompletionSources,
): Promise<Completion[] | typeof files> {
  if (argument.argChoices) return plain(argument.argChoices)
  const name = argument.name()
  if (pathName.test(name)) return files
  if (command.name() === 'top') return plain(['nodes', 'pods'])
  const slash = current.indexOf('/')
  const kind = argumentKinds[name]
  if (slash > 0 && (kind || name === 'resource')) {
    const before = current.slice(0, slash + 1)
    return plain(await ask({ what: 'names', kind: current.slice(0, slash), before }, flags))
  }
  if (name === 'resource') return plain(await ask({ what: 'kinds' }, flags))
  if (name === 'names' && positionals[0] && !positionals[0].includes('/'))
    return plain(await ask({ what: 'names', kind: positionals[0] }, flags))
  return kind ? plain(await ask({ what: 'names', kind }, flags)) : []
}
