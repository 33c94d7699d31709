import { type InstallOptions, installedVersion, OtherVersion, roll } from './install.ts'

/**
 * Brings an installed Calico to the version of the manifest, node by node as its DaemonSet rolls. Pools stay.
 * @throws OtherVersion: Calico is not there, or the manifest is older
 */
export async function upgrade(options: InstallOptions): Promise<{ from: string; to: string }> {
  const from = await installedVersion(options.client)
  const to = options.manifest.version
  if (!from) throw new OtherVersion('Calico is not installed', { hint: 'Use "optiflow calico install".' })
  checkUpgrade(from, to)
  await roll(options)
  return { from, to }
}

/** Minor versions are taken one after another, as their datastore is migrated; none backwards. Pure. @throws OtherVersion */
export function checkUpgrade(from: string, to: string): void {
  const [a, b] = [from, to].map(numbersOf)
  if (!a || !b) return
  const older = b[0]! - a[0]! || b[1]! - a[1]! || b[2]! - a[2]!
  if (older < 0)
    throw new OtherVersion(`${to} is older than ${from}, which is installed`, { hint: 'Calico does not go backwards.' })
  if (a[0] !== b[0] || b[1]! - a[1]! > 1)
    throw new OtherVersion(`from ${from} to ${to} skips versions`, {
      hint: `Go to v${a[0]}.${a[1]! + 1} first.`,
    })
}

function numbersOf(version: string): number[] | undefined {
  const match = /^v(\d+)\.(\d+)\.(\d+)/.exec(version)
  return match?.slice(1).map(Number)
}
