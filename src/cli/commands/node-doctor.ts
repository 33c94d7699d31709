import { OptiFlowError } from '../../base/errors.ts'
import type { Examination } from '../../main/doctor/doctor.ts'
import { examineNode } from '../../main/doctor/node-doctor.ts'
import { systemOutside } from '../../main/outside.ts'
import type { CliCommand } from '../command.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

/** Something stays on the machine. */
class LeftBehind extends OptiFlowError {}

export const nodeDoctor: CliCommand = {
  register(program, outside) {
    withSettings(program.command('doctor'), ['data-dir', 'container-runtime-endpoint'])
      .description('look for what pods have left behind on this machine, and take it out')
      .option('--fix', 'take out what is found (only told without)')
      .action(async (given: Record<string, unknown>) => {
        const settings = await settingsOf(outside, given)
        const examination = await examineNode(settings, systemOutside(), !!given['fix'])
        outside.terminal.out(examinationText(examination))
        const left = examination.findings.filter(finding => finding.outcome !== 'mended').length
        if (left)
          throw new LeftBehind(`${left} ${left === 1 ? 'thing is' : 'things are'} left behind on this machine`, {
            hint: given['fix'] ? 'What stays may be in use: see the lines above.' : 'Take them out with --fix.',
          })
      })
  },
}

/** Every finding, then the count of each kind. */
export function examinationText({ counts, findings }: Examination): string {
  const lines = findings.map(({ kind, what, outcome }) => {
    const how = outcome === 'mended' ? 'mended: ' : outcome ? `not mended (${outcome.failed}): ` : ''
    return `${kind}: ${how}${what}`
  })
  const width = Math.max(...counts.map(({ kind }) => kind.length))
  const table = counts.map(({ kind, found }) => `${kind.padEnd(width)}  ${found}`)
  const total = counts.reduce((sum, { found }) => sum + found, 0)
  return `${[...lines, ...(lines.length ? [''] : []), ...table, `${'all'.padEnd(width)}  ${total}`].join('\n')}\n`
}
