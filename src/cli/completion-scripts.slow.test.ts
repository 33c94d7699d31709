import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { completionScripts } from './completion-scripts.ts'

const run = promisify(execFile)

/** What bash would offer for a line, when the program answers so. */
async function bash(line: string, answer: string): Promise<{ asked: string[]; offered: string[] }> {
  const script = `${completionScripts.bash}
optiflow() { printf '<%s>' "$@" >&9; printf '%s' "$ANSWER"; }
exec 9>&1
COMP_LINE=$LINE COMP_POINT=\${#LINE}
_optiflow
printf '\\n%s' "\${COMPREPLY[@]}"`
  const env = { ...process.env, LINE: line, ANSWER: answer }
  const [asked, ...offered] = (await run('bash', ['--norc', '-c', script], { env })).stdout.split('\n')
  return { asked: asked!.slice(1, -1).split('><'), offered: offered.filter(Boolean) }
}

test('bash hands the words over and offers what comes back, without what it has cut off itself', async () => {
  expect(await bash('optiflow get ', 'pods\tabout pods\nnodes\n')).toEqual({
    asked: ['__complete', '--', 'get', ''],
    offered: ['pods', 'nodes'],
  })
  expect(await bash('optiflow get --output=y', '--output=yaml\n')).toEqual({
    asked: ['__complete', '--', 'get', '--output=y'],
    offered: ['yaml'],
  })
  expect((await bash('optiflow describe clusterrole system:no', 'system:node\n')).offered).toEqual(['node'])
  expect((await bash('optiflow restore packag', ':files\n')).offered.sort()).toEqual([
    'package-lock.json',
    'package.json',
  ])
  expect((await bash('optiflow x', '')).offered).toEqual([])
})
