import type { Disk } from '../../../base/disk.ts'
import { type Finding, fail, ok } from './finding.ts'

/** Whether another plugin's configuration would win over Calico's: the first by name does. */
export async function checkCniConfigs(disk: Disk, folder = '/etc/cni/net.d'): Promise<Finding> {
  const entries = await disk.list(folder).catch(() => [])
  return cniFinding(
    folder,
    entries.map(entry => entry.name),
  )
}

const calicoConfig = '10-calico.conflist'

/** Pure. */
export function cniFinding(folder: string, names: readonly string[]): Finding {
  const check = 'CNI configurations'
  const configs = names.filter(name => /\.(conf|conflist|json)$/.test(name)).sort()
  const others = configs.filter(name => name !== calicoConfig)
  const first = [...configs, calicoConfig].sort()[0]!
  if (first !== calicoConfig)
    return fail(
      check,
      `${folder}/${first} comes before ${calicoConfig} and would be used instead`,
      `Remove ${folder}/${first}, with what it set up.`,
    )
  if (others.length) return ok(check, `${calicoConfig} comes before ${others.join(', ')}`)
  return ok(check, configs.length ? `only ${calicoConfig} in ${folder}` : `none in ${folder}`)
}
