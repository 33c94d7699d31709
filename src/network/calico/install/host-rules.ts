import type { Commands } from '../../../base/commands.ts'

const quiet = { allowFailure: true }

/** Felix takes the kernel's older rules or the newer ones, whichever it thinks are in use; the machine's own `iptables` knows but one. */
const programs = ['iptables', 'ip6tables'].flatMap(name => [name, `${name}-nft`, `${name}-legacy`])

/** Takes Calico's chains out, whichever program made them, and the rules that lead to them. @returns how many chains */
export async function removeRules(commands: Commands): Promise<number> {
  let removed = 0
  for (const program of programs) {
    const saved = await commands.run(`${program}-save`, [], quiet).catch(() => undefined)
    if (saved?.code !== 0) continue
    const { script, chains } = planRuleRemoval(saved.stdout)
    if (chains) await commands.run(`${program}-restore`, ['--noflush'], { stdin: script })
    removed += chains
  }
  const tables = await commands.run('nft', ['list', 'tables'], quiet).catch(() => undefined)
  for (const [, family, name] of (tables?.stdout ?? '').matchAll(/^table (\S+) (calico(?:-\S+)?)$/gm))
    await commands.run('nft', ['delete', 'table', family!, name!], quiet)
  return removed
}

/** Text for `iptables-restore --noflush` that takes out Calico's chains, and the rules that lead to them. Pure. */
export function planRuleRemoval(saved: string): { script: string; chains: number } {
  let chains = 0
  const tables = saved.split(/^(?=\*)/m).flatMap(table => {
    const lines = table.split('\n')
    if (!lines[0]?.startsWith('*')) return []
    const own = lines.flatMap(line => /^:(cali-\S+)/.exec(line)?.[1] ?? [])
    const jumps = lines.filter(line => /^-A (?!cali-)\S+ .*(-j|-g) cali-/.test(line))
    const marked = lines.filter(line => /^-A (?!cali-)\S+ .*--comment "cali:/.test(line) && !jumps.includes(line))
    if (!own.length && !jumps.length && !marked.length) return []
    chains += own.length
    const gone = [...jumps, ...marked].map(line => line.replace(/^-A /, '-D '))
    // Emptied first: a chain that another one still names cannot go.
    return [lines[0], ...gone, ...own.map(chain => `-F ${chain}`), ...own.map(chain => `-X ${chain}`), 'COMMIT']
  })
  return { script: tables.length ? `${tables.join('\n')}\n` : '', chains }
}

/** Takes Calico's sets out, which no rule may name any more. @returns how many */
export async function removeSets(commands: Commands): Promise<number> {
  const listed = await commands.run('ipset', ['list', '-n'], quiet).catch(() => undefined)
  if (listed?.code !== 0) return 0
  const own = listed.stdout.split('\n').filter(name => /^cali[46]/.test(name))
  // Emptied first: a set that is in another one cannot go.
  for (const name of own) await commands.run('ipset', ['flush', name], quiet)
  let removed = 0
  for (const name of own) if ((await commands.run('ipset', ['destroy', name], quiet)).code === 0) removed++
  return removed
}
