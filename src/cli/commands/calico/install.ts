import { type InstallOptions, initialiseDatastore, preflight, install as run, type Step } from '../../../main/calico.ts'
import { Node } from '../../../models/kinds/index.ts'
import type { CliCommand } from '../../command.ts'
import { UsageError } from '../../failure.ts'
import { partLines } from '../../progress.ts'
import { type ManifestFlags, manifestOf, manifestSettingsOf, withManifest } from './manifest-flags.ts'
import { printFindings } from './preflight.ts'
import { type Session, withCalico } from './session.ts'

export const install: CliCommand = {
  register(program, outside) {
    withManifest(program.command('install'))
      .description('install Calico from its own manifest; can be run again at any point')
      .action((flags: ManifestFlags) =>
        withCalico(outside, flags, async session => {
          const options = await installOptions(session, flags)
          await refuseUnfit(session, flags, options)
          if (options.settings.etcd) await initialise(session, options)
          await run(options)
          const { terminal } = outside
          terminal.out(`\nCalico ${options.manifest.version} is installed. See it: optiflow calico status\n`)
        }),
      )
  },
}

/** Everything is read and checked here; nothing is written. @throws UsageError, BadManifest */
export async function installOptions(session: Session, flags: ManifestFlags): Promise<InstallOptions> {
  const { outside, remote, datastore, world } = session
  const seconds = Number(flags.timeout)
  if (!(seconds > 0)) throw new UsageError(`--timeout: "${flags.timeout}" is not a number of seconds above 0`)
  const settings = await manifestSettingsOf(session, flags)
  const lines = partLines(outside.terminal)
  return {
    client: remote.client,
    datastore,
    manifest: await manifestOf(session, flags),
    settings,
    movePods: flags.movePods ?? false,
    progress: {
      report: (step: Step) => lines.report(step),
      clock: world.clock,
      timeoutMs: seconds * 1000,
      signal: outside.signal,
    },
  }
}

/** The cluster, and this machine where it is one of its nodes: the machines of the others are not looked at. */
export async function refuseUnfit(
  session: Session,
  flags: ManifestFlags,
  { settings, client }: InstallOptions,
): Promise<void> {
  if (flags.skipPreflight) return
  const { commands, disk, net } = session.world
  const { encapsulation, podCidr } = settings
  const nodes = (await client.list(Node)).items
  const findings = await preflight({
    commands,
    disk,
    net,
    client,
    machine: process.getuid?.() === 0 && nodes.some(n => n.metadata.name === flags.nodeName),
    endpoint: flags.apiServer === undefined,
    encapsulation,
    podCidr,
  })
  const failed = findings.filter(f => f.level === 'fail')
  if (!failed.length) return
  printFindings(session.outside, failed)
  throw new UsageError('this cluster is not ready for Calico; nothing was done', {
    hint: 'Mend what is said above, or say --skip-preflight. "optiflow calico preflight" on a node looks at the machine too.',
  })
}

async function initialise({ datastore, outside, world }: Session, { manifest }: InstallOptions): Promise<void> {
  const guid = world.random.uuid().replaceAll('-', '')
  const written = await initialiseDatastore(datastore, { guid, type: 'k8s', version: manifest.version })
  outside.terminal.out(`${datastore.where}: ${written.length ? `${written.join(', ')} written` : 'all there'}\n`)
}
