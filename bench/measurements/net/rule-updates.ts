import { difference, wholeTable } from '../../../src/base/nft-table.ts'
import { RulePieces } from '../../../src/discovery/rule-pieces.ts'
import { serviceTableOf } from '../../../src/discovery/service-table.ts'
import { openWires } from '../../../src/discovery/testing/wires.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { median } from '../../support/statistics.ts'
import { sliceOf, someServices } from './services.ts'

const table = 'optiflow-services'
const changes = 11

/** How long a change of one Service's endpoints takes until it is in the kernel, however many Services there are. */
export async function* ruleUpdates(): AsyncIterable<Row> {
  for (const count of [10, 1_000, 10_000]) {
    using wires = openWires()
    const write = (script: string[]) => wires.node.run('nft', ['-f', '-'], { stdin: `${script.join('\n')}\n` })
    const { services, slices } = someServices(count, 10)
    const numberOf = (id: string) => Number(id.slice('default/s'.length))
    const pieces = new RulePieces({
      ids: () => services.map(s => `default/${s.metadata.name}`),
      service: id => services[numberOf(id)],
      slices: id => [slices[numberOf(id)]!],
      rest: () => ({ nodeName: 'n1', podCidrs: ['10.244.0.0/16'] }),
    })
    const began = performance.now()
    pieces.touchAll()
    pieces.refresh()
    await write(wholeTable(table, serviceTableOf(pieces.whole())))
    const wholeMs = performance.now() - began
    const planned: number[] = []
    const all: number[] = []
    for (let i = 0; i < changes; i++) {
      const at = (i * 7) % count
      slices[at] = sliceOf(at, [`10.250.0.${i + 1}`, ...slices[at]!.endpoints!.slice(1).map(e => e.addresses[0]!)])
      const start = performance.now()
      pieces.touch(`default/s${at}`)
      const { before, after } = pieces.refresh()
      const script = difference(table, serviceTableOf(before), serviceTableOf(after))
      planned.push(performance.now() - start)
      await write(script)
      all.push(performance.now() - start)
    }
    yield {
      what: `one endpoint changes, ${rounded(count)} Services × 10`,
      value: `${rounded(median(all), 1)} ms until the kernel has it (${rounded(median(planned), 2)} ms of it ours)`,
      note: `all rules at once: ${rounded(wholeMs)} ms; the rest is the program nft, which starts, asks the kernel and commits`,
    }
  }
}
