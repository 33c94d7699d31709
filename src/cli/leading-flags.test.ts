import { Command } from 'commander'
import { expect, test } from 'vitest'
import { moveLeadingFlags } from './leading-flags.ts'

const program = new Command('optiflow')
program.command('get')
program.command('exec')
program.command('rollout').command('status')
const moved = (line: string) => moveLeadingFlags(line.split(' '), program).join(' ')

test.each([
  ['-n shop get pods', 'get -n shop pods'],
  ['--kubeconfig=a --context b get pods -w', 'get --kubeconfig=a --context b pods -w'],
  ['-n shop rollout status web', 'rollout status -n shop web'],
  ['-n shop exec web -- ls -n', 'exec -n shop web -- ls -n'],
  ['get -n shop pods', 'get -n shop pods'],
  ['-n', '-n'],
  ['-n shop', '-n shop'],
  ['-n shop nonsense', '-n shop nonsense'],
  ['--version', '--version'],
])('%s', (given, meant) => {
  expect(moved(given)).toBe(meant)
})
