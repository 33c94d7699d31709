import { explain } from '../base/errors.ts'
import { callersKubeconfig, handToCaller } from './callers-kubeconfig.ts'
import { kubeconfigFiles, kubeconfigToWrite, mergeKubeconfig } from './kubeconfig.ts'
import type { OutsideWorld } from './outside.ts'
import type { Pki } from './pki.ts'
import { readKubeconfigNote, writeKubeconfigNote } from './run-file.ts'
import { keepAdminKey } from './server-keys.ts'
import type { Settings } from './settings.ts'

/** What our context is called in kubeconfigs. */
export const context = 'optiflow'

type Environment = Record<string, string | undefined>
type Disk = OutsideWorld['disk']

/** The file that our context is written to. @throws BadKubeconfig */
export const ownKubeconfig = (settings: Settings, disk: Disk): Promise<string> =>
  kubeconfigToWrite(disk, filesOf(settings), context)

const filesOf = ({ kubeconfig }: Settings) => (kubeconfig ? [kubeconfig] : kubeconfigFiles())

export interface KubeconfigPlace {
  settings: Settings
  /** Where it is written, unless it is found out here. */
  path?: string
  pki: Pki
  url: string
  outside: OutsideWorld
  env: Environment
}

export interface KeptKubeconfig {
  path: string
  /** For people: where it is, that of who called sudo too. */
  places: string
  /** Whether kubectl uses our context without being told. */
  current: boolean
  /** Writes it no more. */
  letBe(): void
}

/**
 * The administrator's way in: written for us and for who called sudo, and again whenever its certificate or the authority is
 * another one. @throws BadKubeconfig
 */
export async function keepOwnKubeconfig({ settings, outside, ...place }: KubeconfigPlace): Promise<KeptKubeconfig> {
  const { pki, url, env } = place
  const { disk, log } = outside
  const path = place.path ?? (await ownKubeconfig(settings, disk))
  const known = await readKubeconfigNote(disk, settings.dataDir)
  const callers = settings.kubeconfig ? undefined : ((await callersKubeconfig(disk, env)) ?? known?.callers)
  const others = callers && callers !== path ? callers : undefined
  const write = async () => {
    const connection = { server: url, ca: pki.ca.cert, ...pki.admin }
    const current = await mergeKubeconfig(disk, path, context, connection, filesOf(settings))
    if (others)
      await handToCaller(disk, others, context, connection).catch(error =>
        log.warn({ path: others, error: explain(error) }, 'the kubeconfig of who called sudo is left as it is'),
      )
    return current
  }
  const current = await write()
  await writeKubeconfigNote(disk, settings.dataDir, { kubeconfig: path, context, ...(callers ? { callers } : {}) })
  const stops = [
    keepAdminKey(pki, async () => void (await write()), outside),
    pki.follow(names => {
      if (!names.some(name => name === 'ca' || name === 'admin')) return
      write().catch(error => log.warn({ path, error: explain(error) }, 'the kubeconfig is left as it is'))
    }),
  ]
  return {
    ...{ path, current },
    places: `${path}${others ? ` and ${others}` : ''}, context ${context}`,
    letBe: () => stops.forEach(stop => void stop()),
  }
}
