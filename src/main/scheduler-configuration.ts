import { parse } from 'yaml'
import type { Disk } from '../base/disk.ts'
import { OptiFlowError } from '../base/errors.ts'
import { httpTransport } from '../client/index.ts'
import { defaultProfile, Extender, type ExtenderRules, type Profile, readConfiguration } from '../scheduler/index.ts'

/** The file could not be read, or says what cannot be done. */
export class BadSchedulerConfiguration extends OptiFlowError {}

export interface ReadSchedulerConfiguration {
  profiles: Profile[]
  extenders: Extender[]
}

/** @param path of a KubeSchedulerConfiguration; undefined: Kubernetes' default rules. @throws BadSchedulerConfiguration */
export async function readSchedulerConfiguration(
  disk: Disk,
  path: string | undefined,
): Promise<ReadSchedulerConfiguration> {
  if (path === undefined) return { profiles: [defaultProfile], extenders: [] }
  try {
    const { profiles, extenders } = readConfiguration(parse(await disk.readText(path), { maxAliasCount: 10 }))
    return { profiles, extenders: await Promise.all(extenders.map(rules => reach(disk, rules))) }
  } catch (cause) {
    throw new BadSchedulerConfiguration(`cannot use the scheduler's configuration ${path}`, {
      cause,
      hint: 'Correct the file, or leave out --scheduler-config.',
    })
  }
}

async function reach(disk: Disk, rules: ExtenderRules): Promise<Extender> {
  const { insecure, serverName, ca, caFile, certFile, keyFile } = rules.tls
  const read = async (path: string | undefined) => (path ? disk.readText(path) : undefined)
  const [authority, cert, key] = await Promise.all([ca ?? read(caFile), read(certFile), read(keyFile)])
  const transport = httpTransport({
    server: new URL(rules.urlPrefix).origin,
    insecure,
    requestTimeoutMs: rules.timeoutMs,
    connectTimeoutMs: rules.timeoutMs,
    ...(serverName ? { serverName } : {}),
    ...(authority ? { ca: authority } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  })
  return new Extender(rules, transport)
}
