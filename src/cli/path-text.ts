import type { CheckedPath, Stage } from '../main/net-check/stage.ts'

const marks: Record<Stage['state'], string> = { ok: '✔', broken: '✖', unknown: '?' }

/** The way of a connection as people read it: a line down from the source, a branch for each endpoint. */
export function pathText({ from, to, protocol, stages, branches, broken }: CheckedPath): string {
  const trunk = [...stages.flatMap(one => stageLines(one, '│  ')), ...branches.flatMap(branchLines)]
  const doubts = [...stages, ...branches.flatMap(branch => branch.stages)].some(({ state }) => state === 'unknown')
  const open = doubts
    ? 'Nothing that can be seen stands in the way; look at the lines with ?.'
    : 'Nothing stands in the way.'
  return `${[`${from} → ${to}/${protocol}`, '│', ...trunk, ...(broken ? [] : ['', open])].join('\n')}\n`
}

function branchLines({ to, stages }: CheckedPath['branches'][number], i: number, all: readonly unknown[]): string[] {
  const last = i === all.length - 1
  const indent = last ? '   ' : '│  '
  return ['│', `${last ? '└─' : '├─'} to ${to}`, ...stages.flatMap(one => stageLines(one, `${indent}│  `, indent))]
}

function stageLines({ title, state, text, lines, act }: Stage, indent: string, before = ''): string[] {
  return [
    `${before}├─ ${marks[state]} ${title.padEnd(9)} ${text}`,
    ...lines.map(line => `${indent}  ${marks[line.state]} ${line.text}`),
    ...(act ? [`${indent}  → ${act}`] : []),
  ]
}
