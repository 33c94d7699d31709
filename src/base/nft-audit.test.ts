import { expect, test } from 'vitest'
import type { Commands, SpawnOptions } from './commands.ts'
import { silentLogger } from './logger.ts'
import { chainsIn, NftAudit } from './nft-audit.ts'
import { NftKeeper } from './nft-keeper.ts'
import { VirtualClock } from './virtual-clock.ts'

const hook = 'type nat hook output priority 0; policy accept;'
const table = {
  sets: new Map(),
  maps: new Map(),
  chains: new Map([
    ['marks', { rules: [] }],
    ['out', { hook, rules: [] }],
  ]),
}

/** A kernel that holds what it is asked to, until somebody flushes it. */
function fakeKernel() {
  const there = new Set<string>()
  const asked: string[] = []
  const commands = {
    async run(_file: string, args: string[], { stdin = '' }: { stdin?: string } = {}) {
      asked.push(stdin ? `write ${/table (\S+ \S+)/.exec(stdin)![1]}` : args.join(' '))
      const written = /table (\S+ \S+)/.exec(stdin)?.[1]
      if (written) there.add(written)
      const stdout = [...there].map(name => `table ${name} {\n\tchain out {\n\t\t${hook}\n\t}\n}\n`).join('')
      return { code: 0, stdout, stderr: '' }
    },
  } as unknown as Commands
  return { there, asked, commands }
}

test('all keepers look once together, and only the table that somebody flushed is written anew', async () => {
  const clock = new VirtualClock()
  const { there, asked, commands } = fakeKernel()
  const keeper = (name: string, family: 'ip' | 'ip6') =>
    new NftKeeper({
      ...{ table: name, family, what: 'rules', commands, clock, log: silentLogger },
      plan: () => table,
      refused: cause => new Error('refused', { cause }),
    })
  await using one = keeper('one', 'ip')
  await using other = keeper('one', 'ip6')
  await using unwritten = keeper('two', 'ip')
  await Promise.all([one.now(), other.now()])
  asked.length = 0
  await clock.advance(2_500)
  expect(asked).toEqual(['list chains'])
  there.delete('ip6 one')
  await clock.advance(2_500)
  expect(asked).toEqual(['list chains', 'list chains', 'write ip6 one'])
  expect(there).toEqual(new Set(['ip one', 'ip6 one']))
  void unwritten
})

test('nobody looks once all have left, and again when one comes', async () => {
  const clock = new VirtualClock()
  const { asked, commands } = fakeKernel()
  const gone: number[] = []
  const join = () =>
    NftAudit.join(
      { commands, clock, log: silentLogger },
      { chain: () => ({ family: 'ip', table: 't', chain: 'out' }), gone: () => gone.push(clock.monotonicMs()) },
    )
  join()[Symbol.dispose]()
  await clock.advance(20_000)
  expect(asked).toEqual([])
  using _ = join()
  await clock.advance(2_500)
  expect(gone).toEqual([22_500])
})

test('chains are read from what nft lists', () => {
  const text =
    'table ip a {\n\tchain x {\n\t}\n\tchain y {\n\t\ttype nat hook output priority -100; policy accept;\n\t}\n}\ntable ip6 a {\n}\ntable inet b {\n\tchain x {\n\t}\n}\n'
  expect([...chainsIn(text)]).toEqual(['ip a x', 'ip a y', 'inet b x'])
})

test('while the kernel is listened to, it is asked only when a chain went, or nobody listens any more', async () => {
  const clock = new VirtualClock()
  const { there, asked, commands } = fakeKernel()
  const listeners: { say: (line: string) => void; end: () => void; killed: boolean }[] = []
  const listening = {
    ...commands,
    spawn(file: string, args: string[], { onLine }: SpawnOptions) {
      asked.push(`${file} ${args.join(' ')}`)
      const exited = new Promise<{ code: number; signal: null }>(resolve =>
        listeners.push({
          say: line => onLine!(line, 'stdout'),
          end: () => resolve({ code: 1, signal: null }),
          killed: false,
        }),
      )
      const kill = () => void (listeners.at(-1)!.killed = true)
      return { pid: 1, kill, exited }
    },
  } as unknown as Commands
  const keeper = new NftKeeper({
    ...{ table: 'one', what: 'rules', commands: listening, clock, log: silentLogger },
    plan: () => table,
    refused: cause => new Error('refused', { cause }),
  })
  await keeper.now()
  const during = async (ms: number) => {
    asked.length = 0
    await clock.advance(ms)
    return [...asked]
  }
  // It may miss something while it begins.
  expect(await during(2_500)).toEqual(['nft monitor destroy chains', 'list chains'])
  await during(10_000)
  expect(await during(45_000)).toEqual([])
  expect(await during(60_000)).toEqual(['list chains'])
  there.clear()
  listeners[0]!.say('delete chain ip one out')
  expect(await during(2_500)).toEqual(['list chains', 'write ip one'])
  expect(await during(10_000)).toEqual([])
  listeners[0]!.end()
  await clock.advance(0)
  expect(await during(5_000)).toEqual(['nft monitor destroy chains', 'list chains', 'list chains'])
  await keeper[Symbol.asyncDispose]()
  expect(listeners.map(({ killed }) => killed)).toEqual([false, true])
})
