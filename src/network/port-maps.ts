import type { Commands } from '../base/commands.ts'

const quiet = { allowFailure: true }

/**
 * Takes out what the portmap plugin, which led host ports before we did, leaves behind when the last host port is gone: its common
 * chains, and the nat table if it holds nothing at all then (iptables makes it again when it needs it). While any container still has
 * a host port by it, such as Calico's, all stays.
 */
export async function removePortMaps(commands: Commands): Promise<void> {
  for (const [program, family] of [
    ['iptables', 'ip'],
    ['ip6tables', 'ip6'],
  ] as const) {
    const rules = await commands.run(program, ['-t', 'nat', '-S'], quiet).catch(() => undefined)
    if (rules?.code !== 0) continue
    const { script, emptyAfter } = planPortMapRemoval(rules.stdout)
    if (script) await commands.run(`${program}-restore`, ['--noflush'], { stdin: script })
    if (emptyAfter) await commands.run('nft', ['delete', 'table', family, 'nat'], quiet)
  }
}

/**
 * Text for `iptables-restore --noflush` that takes the plugin's common chains out. Pure.
 * @param rules as `iptables -t nat -S` prints them
 */
export function planPortMapRemoval(rules: string): { script: string | undefined; emptyAfter: boolean } {
  const lines = rules.split('\n').filter(Boolean)
  const chains = lines.flatMap(line => /^-N (CNI-HOSTPORT-\S+)$/.exec(line)?.[1] ?? [])
  const used = lines.some(line => /^-N CNI-(DN|SN)-/.test(line))
  if (used) return { script: undefined, emptyAfter: false }
  const concerns = (line: string) => chains.some(chain => line.split(' ').includes(chain))
  const jumps = lines.filter(line => line.startsWith('-A ') && concerns(line))
  const others = lines.filter(line => !concerns(line) && !/^-P \S+ ACCEPT$/.test(line))
  const emptyAfter = others.length === 0
  if (!chains.length) return { script: undefined, emptyAfter }
  const script = [
    '*nat',
    ...jumps.map(line => line.replace(/^-A /, '-D ')),
    ...chains.map(chain => `-X ${chain}`),
    'COMMIT',
    '',
  ].join('\n')
  return { script, emptyAfter }
}
