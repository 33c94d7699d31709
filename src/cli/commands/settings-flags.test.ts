import { Command } from 'commander'
import { expect, test } from 'vitest'
import { flagsAgain, withSettings } from './settings-flags.ts'

test('a flag that takes a list adds up when it is given several times, any other says what was given last', () => {
  const command = withSettings(new Command(), ['registry-mirror', 'eviction-hard', 'node-name'])
  const mirrors = ['--registry-mirror', 'a=http://x,b=http://y', '--registry-mirror', 'c=http://z']
  const limits = ['--eviction-hard', 'memory.available<1Gi', '--eviction-hard', 'pid.available<5%']
  command.parse([...mirrors, ...limits, '--node-name', 'n1', '--node-name', 'n2'], { from: 'user' })
  expect(flagsAgain(command.opts())).toEqual([
    ...['--node-name', 'n2'],
    ...['--eviction-hard', 'memory.available<1Gi,pid.available<5%'],
    ...['--registry-mirror', 'a=http://x,b=http://y,c=http://z'],
  ])
})
