import { expect, test } from 'vitest'
import type { Commands } from './commands.ts'
import { silentLogger } from './logger.ts'
import { NftKeeper } from './nft-keeper.ts'
import type { NftTable } from './nft-table.ts'
import { VirtualClock } from './virtual-clock.ts'

const tableOf = (elements: Iterable<string>): NftTable => ({
  sets: new Map([['s', { type: 'inet_service', elements: new Set(elements) }]]),
  ...{ maps: new Map(), chains: new Map() },
})

test('a change is written at once, those just after it together', async () => {
  const clock = new VirtualClock()
  const written: string[] = []
  const commands = {
    run: async (_file: string, _args: string[], { stdin }: { stdin: string }) => {
      written.push(`${clock.monotonicMs()}: ${stdin.match(/(add|delete) element .*/)?.[0] ?? 'the table'}`)
      return { code: 0, stdout: '', stderr: '' }
    },
  } as unknown as Commands
  const wanted = new Set<string>()
  await using keeper = new NftKeeper({
    ...{ table: 't', what: 'rules', commands, clock, log: silentLogger },
    plan: () => tableOf(wanted),
    refused: cause => new Error('refused', { cause }),
  })
  const add = (port: string) => {
    wanted.add(port)
    keeper.changed()
  }
  await keeper.now()
  await clock.advance(1_000)
  add('1')
  await clock.advance(0)
  add('2')
  await clock.advance(10)
  add('3')
  await clock.advance(100)
  add('4')
  await clock.advance(0)
  expect(written).toEqual([
    '0: the table',
    '1000: add element ip t s { 1 }',
    '1020: add element ip t s { 2, 3 }',
    '1110: add element ip t s { 4 }',
  ])
})
