import { quantityOf, quantityOfMillis } from '../../base/quantity.ts'
import { cpu, ephemeral, memory } from '../resource-table.ts'
import type { Wait } from './ledger.ts'

/** An amount of a resource column as a quantity. */
export function quantityIn(column: number, amount: number): string {
  if (column === cpu) return quantityOfMillis(amount)
  return quantityOf(Math.round(amount), column === memory || column === ephemeral ? 'BinarySI' : 'DecimalSI')
}

/** What a job waits for, for people. */
export function waitText(queue: string, wait: Wait, names: readonly string[]): string {
  switch (wait.for) {
    case 'queue':
      return `there is no Queue ${queue}: create it, or name another in the label optiflow.dev/queue`
    case 'hold':
      return `the queue is on hold (spec.hold)`
    case 'nodes':
      return 'no nodes have room for it'
    case 'line':
      return `${wait.behind} would have to wait longer`
    default: {
      const short = `${quantityIn(wait.column, wait.short)} ${names[wait.column]}`
      if (wait.for === 'quota') return `the quota of the queue is short of ${short}`
      if (wait.for === 'cohort') return `its cohort is short of ${short}`
      return `the nodes are short of ${short}`
    }
  }
}
