import { expect, test } from 'vitest'
import { settle, VirtualClock } from '../base/virtual-clock.ts'
import { type CliCommand, type Outside, withRemote } from './command.ts'
import { commands } from './commands/index.ts'
import { runProgram } from './program.ts'

const rollout: CliCommand = {
  register(program) {
    program
      .command('rollout')
      .command('status <workload>')
      .option('--watch', 'go on')
      .action(() => {})
  },
}

async function said(...args: string[]) {
  return saidBy([rollout], args)
}

async function saidBy(commands: readonly CliCommand[], args: string[]) {
  let text = ''
  const paint = new Proxy({}, { get: () => (t: string) => t })
  const terminal = { paint, out: (t: string) => (text += t), err: (t: string) => (text += t) }
  const outside = { terminal, signal: new AbortController().signal } as unknown as Outside
  return { code: await runProgram(args, outside, commands), text }
}

test('a command line that is wrong is told as every failure is, with where to read what is right', async () => {
  expect(await said('rollout', 'status')).toEqual({
    code: 1,
    text: 'Error: missing required argument \'workload\'\n→ See "optiflow rollout status --help".\n',
  })
  expect(await said('rollout', 'status', 'web', '--wacth')).toEqual({
    code: 1,
    text: 'Error: unknown option \'--wacth\'\n(Did you mean --watch?)\n→ See "optiflow rollout status --help".\n',
  })
  expect(await said('rolout')).toEqual({
    code: 1,
    text: 'Error: unknown command \'rolout\'\n(Did you mean rollout?)\n→ See "optiflow --help".\n',
  })
})

test('the list of commands fits 80 columns', async () => {
  const { text } = await saidBy(commands, ['--help'])
  expect(text).toContain('  exec <target> <command> [args...]  run a program')
  expect(text.split('\n').filter(line => line.length > 80)).toEqual([])
})

test('Ctrl-C ends a command that waits for a server that says nothing', async () => {
  const clock = new VirtualClock()
  const interrupt = new AbortController()
  const waiting: CliCommand = {
    register(program, outside) {
      program.command('wait').action(() => withRemote(outside, {}, () => new Promise(() => {})))
    },
  }
  const connect = async () => ({ [Symbol.asyncDispose]: async () => {} })
  const outside = { terminal: { paint: {} }, signal: interrupt.signal, clock, connect } as unknown as Outside
  const ended = runProgram(['wait'], outside, [waiting])
  await settle(10)
  interrupt.abort()
  await settle(10)
  await clock.advance(1_000)
  expect(await ended).toBe(130)
})
