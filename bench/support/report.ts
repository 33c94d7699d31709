import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { machineText } from './machine.ts'
import type { Measurement, Row } from './measurement.ts'

export interface Result {
  measurement: Measurement
  rows: Row[]
  /** How busy the machine was when it began. */
  load: string
}

/** What the bench of one room printed. */
export interface Detail {
  name: string
  command: string
  text: string
}

/** People write below this line; it is kept. */
const ownWords = '## What the profile says'

/** Writes docs/performance.md, keeping what people wrote there. @returns its path */
export function writeReport(root: string, results: Result[], details: Detail[]): string {
  const path = join(root, 'docs/performance.md')
  const old = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const kept = old.includes(ownWords) ? old.slice(old.indexOf(ownWords)) : `${ownWords}\n`
  const cells = (row: Row) => {
    const reached = row.goal ? (row.reached ? 'yes' : '**no**') : ''
    return `| ${[row.what, row.value, row.goal ?? '', reached, row.note ?? ''].join(' | ')} |`
  }
  const day = new Date().toISOString().slice(0, 10)
  const text = [
    '# Performance',
    '',
    `\`npm run bench -- --write\` on ${day}: ${machineText()}.`,
    'Other programs share this machine: read the processor times and the ratios before the rates.',
    '',
    '| what | measured | goal | reached | |',
    '|---|---|---|---|---|',
    ...results.flatMap(({ rows }) => rows.map(cells)),
    '',
    ...results.map(
      ({ measurement, load }) => `- **${measurement.name}**: ${measurement.about} (Machine before it: ${load}.)`,
    ),
    '',
    '## Single rooms, quick forms',
    ...details.flatMap(({ command, text }) => ['', `\`${command}\``, '', '```', text, '```']),
    '',
    kept.trimEnd(),
    '',
  ].join('\n')
  writeFileSync(path, text)
  return path
}
