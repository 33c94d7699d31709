import type { PartReport, Report } from '../main/part.ts'
import type { Terminal } from './terminal.ts'

/** One line per part of a starting cluster: rewritten in place on a terminal, printed when settled elsewhere. */
export function partLines(terminal: Terminal): { report: Report; settle(): void } {
  const { paint } = terminal
  const parts: PartReport[] = []
  let drawn = 0

  const line = (p: PartReport) => {
    const mark = p.state === 'ready' ? paint.green('✔') : p.state === 'failed' ? paint.red('✖') : paint.yellow('…')
    return `${mark} ${p.part.padEnd(12)} ${p.detail.split('\n')[0]}\n`
  }
  const draw = () => {
    terminal.out(`${drawn ? `\u001b[${drawn}A` : ''}${parts.map(p => `\u001b[2K${line(p)}`).join('')}`)
    drawn = parts.length
  }

  return {
    report(report) {
      const at = parts.findIndex(p => p.part === report.part)
      if (at < 0) parts.push(report)
      else parts[at] = report
      if (terminal.interactive) draw()
      else if (report.state !== 'starting') terminal.out(line(report))
    },
    settle() {
      drawn = 0
    },
  }
}
