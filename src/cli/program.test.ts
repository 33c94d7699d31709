import { expect, test } from 'vitest'
import type { CliCommand, Outside } from './command.ts'
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
  let text = ''
  const paint = new Proxy({}, { get: () => (t: string) => t })
  const terminal = { paint, out: (t: string) => (text += t), err: (t: string) => (text += t) }
  const outside = { terminal, signal: new AbortController().signal } as unknown as Outside
  return { code: await runProgram(args, outside, [rollout]), text }
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
