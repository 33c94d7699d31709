import { Packer, Unpacker } from './packing.ts'
import type { CommitGroup } from './protocol.ts'

export interface WantedChange {
  key: string
  value: Uint8Array | undefined
}

export function readChanges(input: Unpacker, count: number): WantedChange[] {
  const changes: WantedChange[] = []
  for (let i = 0; i < count; i++) changes.push({ key: input.text(), value: input.value() })
  return changes
}

/** With the author behind them. */
export function skipChanges(input: Unpacker, count: number): void {
  readChanges(input, count)
  input.text()
  input.value()
}

/** Each commit of the group as a group of its own. */
export function split(group: CommitGroup): CommitGroup[] {
  const input = new Unpacker(group)
  const singles: CommitGroup[] = []
  for (let c = 0; c < group.commits; c++) {
    const output = new Packer()
    const seen = input.number()
    const changes = input.number()
    output.number(seen)
    output.number(changes)
    for (let i = 0; i < seen; i++) {
      output.text(input.text())
      output.number(input.number())
    }
    for (let i = 0; i < changes; i++) {
      output.text(input.text())
      output.value(input.value())
    }
    output.text(input.text())
    output.value(input.value())
    const { keys, numbers, bytes } = output.finish()
    singles.push({ type: 'commit', commits: 1, keys, numbers, bytes, now: group.now })
  }
  return singles
}
