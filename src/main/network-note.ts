import { join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import type { Settings } from './settings.ts'

type NetworkSettings = Pick<Settings, 'network' | 'cniConfDir' | 'cniBinDir'>

const fileOf = (dataDir: string) => join(dataDir, 'cni/network.json')

/** Remembers who gives this node's pods their network: pods must be taken out of it by the same plugin. */
export async function noteNetwork(disk: Disk, settings: Settings): Promise<void> {
  const { network, cniConfDir, cniBinDir } = settings
  await disk.write(fileOf(settings.dataDir), JSON.stringify({ network, cniConfDir, cniBinDir }))
}

/** The settings as the node last ran with; as given where it never ran. */
export async function withNotedNetwork(disk: Disk, settings: Settings): Promise<Settings> {
  const text = await disk.readText(fileOf(settings.dataDir)).catch(() => undefined)
  return text ? { ...settings, ...(JSON.parse(text) as NetworkSettings) } : settings
}
