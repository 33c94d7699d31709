import type { Disk } from '../base/disk.ts'
import { codeOf, OptiFlowError } from '../base/errors.ts'

/** The folder of all state cannot be used. */
export class DataDirUnusable extends OptiFlowError {}

const probeBytes = 64 << 10

/** Makes the data folder if need be and tries to write there. @throws DataDirUnusable */
export async function prepareDataDir(disk: Disk, dataDir: string): Promise<void> {
  try {
    await disk.makeFolder(`${dataDir}/logs`)
    // An empty file has room on a full disk, one with something in it has not.
    await disk.write(`${dataDir}/logs/.writable`, '\n'.repeat(probeBytes))
    await disk.remove(`${dataDir}/logs/.writable`)
  } catch (cause) {
    const full = codeOf(cause) === 'ENOSPC'
    throw new DataDirUnusable(`cannot write to the data folder ${dataDir}`, {
      cause,
      hint: full ? 'Make room on its disk.' : 'Choose a folder that you may write to with --data-dir.',
    })
  }
}
