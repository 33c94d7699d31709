import type { Command } from 'commander'

/** Of the connection, with a value each. */
export const connectionFlagNames: ReadonlySet<string> = new Set([
  '-n',
  '--namespace',
  '--kubeconfig',
  '--context',
  '--server',
])

/**
 * `optiflow -n shop get pods`, as kubectl takes it: flags of the connection may stand before the command. They are moved behind
 * its words, where the command itself reads them. Pure.
 */
export function moveLeadingFlags(args: readonly string[], program: Command): string[] {
  let at = 0
  while (at < args.length) {
    const [name] = args[at]!.split('=', 1)
    if (!connectionFlagNames.has(name!)) break
    at += args[at]!.includes('=') ? 1 : 2
  }
  if (at === 0 || at >= args.length) return [...args]
  let end = at
  let command: Command | undefined = program
  while (end < args.length) {
    command = command.commands.find(c => c.name() === args[end] || c.aliases().includes(args[end]!))
    if (!command) break
    end++
  }
  return [...args.slice(at, end), ...args.slice(0, at), ...args.slice(end)]
}
