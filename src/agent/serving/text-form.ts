import type { TallyCounter, TallyHistogram } from '../../base/tallies.ts'

type Labels = Record<string, string | number>

/** One metric in Prometheus' text form; nothing without values. */
export const family = (
  name: string,
  type: 'counter' | 'gauge' | 'histogram',
  help: string,
  lines: readonly string[],
): string[] => (lines.length ? [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines] : [])

/** A metric with one value and no labels; nothing when that is not known. */
export const single = (name: string, type: 'counter' | 'gauge', help: string, value: number | undefined): string[] =>
  family(name, type, help, value === undefined || !Number.isFinite(value) ? [] : [`${name} ${value}`])

/** What was tallied, as far as anything was. */
export function talliedFamily(tallied: TallyCounter | TallyHistogram): string[] {
  // What it is and of which type comes first.
  const lines = [...tallied.texts()].join('').split('\n')
  return lines.length > 2 ? lines : []
}

/** `{a="1",b="2"}`, or nothing without labels. */
export function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`)
  return pairs.length ? `{${pairs.join()}}` : ''
}

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
