import type { Mark, ObjectExplanation } from '../explain/explanation.ts'
import type { Explanation } from '../main/explanations.ts'
import { formatTable } from './output.ts'
import type { Paint } from './terminal.ts'

const namesShown = 3

/** An explanation as people read it: what is so, what stands in the way, what would help. @param trouble of a pod that has its node */
export function explanationText(explanation: Explanation, trouble = ''): string {
  const { metadata, state, summary, changes, latest } = explanation
  const sections = [
    `Pod ${metadata.namespace}/${metadata.name}: ${state}, ${summary}\n`,
    trouble,
    refusalText(explanation),
    bindingText(explanation),
    changes.length ? `What would let it in, the smallest change first:\n${list(changes.map(c => c.text))}` : '',
    scoreText(explanation),
    latest && state === 'Pending'
      ? `The scheduler said at ${latest.at}, try ${latest.attempts}:\n  ${latest.message}\n`
      : '',
  ]
  return sections.filter(Boolean).join('\n')
}

const colours: Record<Mark, keyof Paint> = {
  stops: 'red',
  waits: 'yellow',
  warned: 'yellow',
  unknown: 'dim',
  well: 'green',
}
const marks: Record<Mark, string> = { stops: '✖', waits: '…', warned: '!', unknown: '?', well: '✔' }

/** Why an object of any kind is as it is: how it is, then what stops it, each with one thing to do. */
export function objectText({ kind, namespace, name, summary, findings }: ObjectExplanation, paint: Paint): string {
  const lines = findings.flatMap(({ mark, text, next }) => [
    `${paint[colours[mark]](marks[mark])} ${text}\n`,
    ...(next ? [`  → ${next}\n`] : []),
  ])
  return `${kind} ${namespace ? `${namespace}/` : ''}${name}: ${summary}\n${lines.length ? '\n' : ''}${lines.join('')}`
}

function refusalText({ refusals, nodes, state }: Explanation): string {
  if (!refusals.length || state === 'Placed') return ''
  const rows = refusals.map(({ plugin, reason, nodes: count, first, examples }) => {
    const more = count > namesShown ? `, and ${count - namesShown} more` : ''
    return [`${count}`, `${first}`, reason, plugin, examples.slice(0, namesShown).join(', ') + more]
  })
  return `Of ${nodes} nodes:\n${formatTable(['NODES', 'FIRST', 'REASON', 'RULE', 'SUCH AS'], rows)}`
}

function bindingText({ bindingConstraint, nodes }: Explanation): string {
  if (!bindingConstraint) return ''
  const { plugin, nodes: count, alone } = bindingConstraint
  return alone
    ? `What binds: ${plugin} is all that ${count} of ${nodes} nodes have against it.\n`
    : `What binds: no rule stands alone; ${plugin} refuses most, ${count} of ${nodes} nodes.\n`
}

function scoreText({ scores }: Explanation): string {
  if (!scores) return ''
  const plugins = [...new Set(scores.flatMap(s => Object.keys(s.plugins)))]
  const rows = scores.map(s => [
    `${s.chosen ? '*' : ' '} ${s.node}`,
    `${Math.round(s.total)}`,
    ...plugins.map(p => `${Math.round(s.plugins[p] ?? 0)}`),
  ])
  return `Scores, if it were placed now (* is where it is):\n${formatTable(['  NODE', 'TOTAL', ...plugins], rows)}`
}

const list = (items: string[]) => items.map((item, i) => `  ${i + 1}. ${item}\n`).join('')
