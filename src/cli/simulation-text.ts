import type { SimulatedPlacement, Simulation, Use } from '../main/simulation.ts'
import { formatBytes } from './bytes-text.ts'
import { formatTable } from './output.ts'

/** Where pods would go, and what that makes of the nodes. */
export function simulationText({ placements, before, after }: Simulation): string {
  const placed = placements.filter(p => p.node !== undefined)
  const rows = placements.map(p => [p.pod, p.from ?? '', p.node ?? '<nowhere>', detail(p)])
  const uses = Object.keys({ ...before, ...after })
    .filter(name => before[name]?.requested || after[name]?.requested)
    .map(name => [name, useText(name, before[name]), useText(name, after[name])])
  return [
    placements.length ? formatTable(['POD', 'FROM', 'TO', 'DETAIL'], rows) : '',
    `${placed.length} of ${placements.length} pods would be placed; nothing was changed.\n\n`,
    formatTable(['RESOURCE', 'REQUESTED NOW', 'THEN'], uses),
  ].join('')
}

function detail({ message, preempts }: SimulatedPlacement): string {
  if (preempts?.length) return `preempts ${preempts.join(', ')}`
  return message ?? ''
}

function useText(name: string, use: Use | undefined): string {
  if (!use) return '–'
  const amount = (value: number) =>
    /memory|storage/.test(name) ? formatBytes(value) : `${Math.round(value * 100) / 100}`
  const percent = use.allocatable ? ` (${((100 * use.requested) / use.allocatable).toFixed(1)} %)` : ''
  return `${amount(use.requested)} of ${amount(use.allocatable)}${percent}`
}
