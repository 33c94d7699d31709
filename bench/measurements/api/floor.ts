import { Wire } from '../../support/api.ts'
import { startBareServer } from '../../support/bare-server.ts'
import type { Row } from '../../support/measurement.ts'
import { plainPod } from '../../support/pod-text.ts'
import { fanOut } from './fan-out.ts'
import { use } from './load.ts'
import { create } from './rows.ts'

/** What the same creates and events cost a server that does nothing else: how near to the least we are. */
export async function* floor(width: number, pods: number): AsyncIterable<Row> {
  await using bare = await startBareServer()
  const wires = await Promise.all(Array.from({ length: width }, () => Wire.open(bare.api.keys)))
  try {
    await create(wires, 'warm', plainPod, 1_500)
    const created = await use(bare, pods, () => create(wires, 'plain', plainPod, pods))
    yield { what: 'creates, a bare server', value: created.text, note: created.cost }
    for await (const row of fanOut(bare, wires))
      yield { what: `${row.what}, a bare server`, value: row.value, note: row.note! }
  } finally {
    for (const wire of wires) wire[Symbol.dispose]()
  }
}
