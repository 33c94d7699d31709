import type { Commands } from './commands.ts'
import type { NftFamily } from './nft-table.ts'

/** What a rule has seen since its counter was made. */
export interface NftCount {
  packets: number
  bytes: number
}

interface CounterJson extends NftCount {
  name: string
}

/** Reads all named counters of a table; none if the table is not there. @throws CommandFailed if `nft` cannot be run */
export async function readNftCounters(
  commands: Commands,
  table: string,
  family: NftFamily = 'ip',
): Promise<Map<string, NftCount>> {
  const list = ['-j', 'list', 'counters', 'table', family, table]
  const { code, stdout } = await commands.run('nft', list, { allowFailure: true })
  if (code !== 0) return new Map()
  const { nftables = [] } = JSON.parse(stdout) as { nftables?: { counter?: CounterJson }[] }
  return new Map(
    nftables.flatMap(({ counter }) =>
      counter ? [[counter.name, { packets: counter.packets, bytes: counter.bytes }] as const] : [],
    ),
  )
}
