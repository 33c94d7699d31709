import type { Commands } from '../../base/commands.ts'

const measures = { bytes: '--block-size=1', inodes: '--inodes' }

/**
 * What folders hold, by path; one process for all of them. A folder that is not there, or goes while it is counted, is left
 * out: that is no failure.
 */
export async function folderSizes(
  commands: Commands,
  paths: readonly string[],
  measure: keyof typeof measures,
): Promise<ReadonlyMap<string, number>> {
  if (!paths.length) return new Map()
  const asked = commands.run('du', ['-s', measures[measure], ...paths], { allowFailure: true })
  const { stdout } = await asked.catch(() => ({ stdout: '' }))
  return new Map([...stdout.matchAll(/^(\d+)\t(.*)$/gm)].map(([, size, path]) => [path!, Number(size)]))
}
