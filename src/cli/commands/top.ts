import { quantityToMillis, quantityToNumber } from '../../base/quantity.ts'
import { Node, NodeMetrics, PodMetrics } from '../../models/kinds/index.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../command.ts'
import type { ConnectionFlags, Remote } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { formatTable } from '../output.ts'

interface Flags extends ConnectionFlags {
  allNamespaces?: boolean
  selector?: string
  sortBy?: string
}

/** One line: what something uses, as thousandths of a core and bytes. */
interface Used {
  labels: string[]
  cpu: number
  memory: number
  /** What there is of both, of a node. */
  of?: { cpu: number; memory: number }
}

export const top: CliCommand = {
  register(program, outside) {
    withConnection(program.command('top <resource>'))
      .description('what pods or nodes use of processors and memory')
      .option('-A, --all-namespaces', 'in every namespace')
      .option('-l, --selector <labels>', 'only with these labels: app=web,tier!=db')
      .option('--sort-by <figure>', 'cpu or memory, the most first; by name unless given')
      .action((resource: string, flags: Flags) =>
        withRemote(outside, flags, remote => run(outside, remote, resource, flags)),
      )
  },
}

async function run({ terminal }: Outside, remote: Remote, resource: string, flags: Flags): Promise<void> {
  const { sortBy } = flags
  if (sortBy !== undefined && sortBy !== 'cpu' && sortBy !== 'memory')
    throw new UsageError(`--sort-by: "${sortBy}" is not cpu or memory`)
  const nodes = /^no(des?)?$/.test(resource)
  if (!nodes && !/^po(ds?)?$/.test(resource))
    throw new UsageError(`nothing is measured of "${resource}"`, { hint: 'It is "top pods" or "top nodes".' })
  const used = await (nodes ? usedByNodes : usedByPods)(remote, flags)
  if (sortBy) used.sort((a, b) => b[sortBy] - a[sortBy])
  if (!used.length) return terminal.err('Nothing has been measured yet: what has just started follows in 15 s.\n')
  const names = [...(flags.allNamespaces && !nodes ? ['NAMESPACE'] : []), 'NAME']
  const header = nodes ? ['CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'] : ['CPU(cores)', 'MEMORY(bytes)']
  terminal.out(formatTable([...names, ...header], used.map(line)))
}

const percent = (used: number, all: number) => `${Math.floor((100 * used) / all)}%`

function line({ labels, cpu, memory, of }: Used): string[] {
  const cells = [`${cpu}m`, ...(of ? [percent(cpu, of.cpu)] : [])]
  return [...labels, ...cells, `${Math.floor(memory / 2 ** 20)}Mi`, ...(of ? [percent(memory, of.memory)] : [])]
}

async function usedByPods({ client, namespace }: Remote, flags: Flags): Promise<Used[]> {
  const { items } = await client.list(PodMetrics, {
    ...(flags.allNamespaces ? {} : { namespace }),
    ...(flags.selector ? { labelSelector: flags.selector } : {}),
  })
  const sum = (usages: Record<string, string>[], name: string, read: (text: string) => number) =>
    usages.reduce((total, usage) => total + read(usage[name] ?? '0'), 0)
  return items.map(({ metadata, containers }) => {
    const usages = containers.map(c => c.usage)
    return {
      labels: [...(flags.allNamespaces ? [metadata.namespace ?? ''] : []), metadata.name],
      cpu: sum(usages, 'cpu', quantityToMillis),
      memory: sum(usages, 'memory', quantityToNumber),
    }
  })
}

async function usedByNodes({ client }: Remote, { selector }: Flags): Promise<Used[]> {
  const chosen = selector ? { labelSelector: selector } : {}
  const [{ items }, nodes] = await Promise.all([client.list(NodeMetrics, chosen), client.list(Node, chosen)])
  const there = new Map(nodes.items.map(node => [node.metadata.name, node.status?.allocatable ?? {}]))
  const figures = ({ cpu = '0', memory = '0' }: Record<string, string>) => ({
    cpu: quantityToMillis(cpu),
    memory: quantityToNumber(memory),
  })
  return items.flatMap(({ metadata, usage }) => {
    const allocatable = there.get(metadata.name)
    return allocatable ? [{ labels: [metadata.name], ...figures(usage), of: figures(allocatable) }] : []
  })
}
