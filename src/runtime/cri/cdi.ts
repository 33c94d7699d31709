import { join } from 'node:path'
import { parse } from 'yaml'
import type { Disk } from '../../base/disk.ts'
import { type ContainerSpec, ContainerStartFailed } from '../runtime.ts'

/** What one device, or all of a kind, change about a container: as much of CDI's containerEdits as we carry out. */
interface Edits {
  env?: string[]
  deviceNodes?: { path: string; hostPath?: string; permissions?: string }[]
  mounts?: { hostPath: string; containerPath: string; options?: string[] }[]
  hooks?: unknown[]
  [other: string]: unknown
}

/** A file of the Container Device Interface. */
export interface CdiFile {
  /** `vendor.com/class` */
  kind: string
  containerEdits?: Edits
  devices: { name: string; containerEdits: Edits }[]
}

/** What is in the later folder wins over the earlier. */
const folders = ['/etc/cdi', '/var/run/cdi']
const carriedOut = new Set(['env', 'deviceNodes', 'mounts'])

/** All CDI files of this machine. Those that cannot be read count as not there. */
export async function readCdiFiles(disk: Disk, from: readonly string[] = folders): Promise<CdiFile[]> {
  const files: CdiFile[] = []
  for (const folder of from)
    for (const { name } of await disk.list(folder).catch(() => [])) {
      if (!/\.(json|ya?ml)$/.test(name)) continue
      const file = await disk
        .readText(join(folder, name))
        .then(text => parse(text) as CdiFile)
        .catch(() => undefined)
      if (file && Array.isArray(file.devices)) files.push(file)
    }
  return files
}

/**
 * Carries out CDI devices for a runtime that has no CDI of its own (containerd before 1.7). Pure.
 * @throws ContainerStartFailed for a device that no file tells of, and for edits that only a newer runtime can make
 */
export function withCdiDevices(spec: ContainerSpec, files: readonly CdiFile[]): ContainerSpec {
  const { cdiDevices = [], ...rest } = spec
  const out = { ...rest, env: [...spec.env], mounts: [...spec.mounts], devices: [...(spec.devices ?? [])] }
  const kinds = new Set<CdiFile>()
  for (const wanted of cdiDevices) {
    const [kind, name] = wanted.split('=')
    const file = files.findLast(known => known.kind === kind && known.devices.some(device => device.name === name))
    const device = file?.devices.find(known => known.name === name)
    if (!file || !device)
      throw refused(`unresolvable CDI devices ${wanted}: no file in ${folders.join(', ')} tells of it`)
    for (const edits of [device.containerEdits, kinds.has(file) ? {} : (file.containerEdits ?? {})])
      apply(out, edits, wanted)
    kinds.add(file)
  }
  return out
}

function apply(
  out: Pick<ContainerSpec, 'env' | 'mounts'> & Required<Pick<ContainerSpec, 'devices'>>,
  edits: Edits,
  of: string,
) {
  const other = Object.keys(edits).find(field => !carriedOut.has(field))
  if (other) throw refused(`CDI device ${of} asks for ${other}, which needs containerd 1.7 or newer`)
  for (const text of edits.env ?? []) {
    const [name = '', ...value] = text.split('=')
    out.env.push({ name, value: value.join('=') })
  }
  for (const { path, hostPath, permissions } of edits.deviceNodes ?? [])
    out.devices.push({ hostPath: hostPath ?? path, containerPath: path, permissions: permissions ?? 'rwm' })
  for (const { hostPath, containerPath, options = [] } of edits.mounts ?? [])
    out.mounts.push({ hostPath, containerPath, readOnly: options.includes('ro'), propagation: 'private' })
}

const refused = (why: string) => new ContainerStartFailed('CreateContainerError', why)
