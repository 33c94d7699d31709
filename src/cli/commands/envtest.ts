import { fileURLToPath } from 'node:url'
import { createLogger } from '../../base/logger.ts'
import { aborted } from '../../main/elected.ts'
import { startEtcdStandIn } from '../../main/envtest/etcd.ts'
import { Flags } from '../../main/envtest/flags.ts'
import { startKubeApiServer } from '../../main/envtest/kube-apiserver.ts'
import { systemOutside } from '../../main/outside.ts'
import type { CliCommand, Outside } from '../command.ts'

/** The folder of programs named as envtest expects them; beside `bin/optiflow`, from the sources as from the bundle. */
const assets = ['../bin/envtest', '../../../bin/envtest']

export const envtest: CliCommand = {
  register(program, outside) {
    const group = program
      .command('envtest')
      .description(
        'be the control plane of envtest, which tests operators: export KUBEBUILDER_ASSETS=$(optiflow envtest)',
      )
      .action(async () => outside.terminal.out(`${await assetsFolder(outside)}\n`))
    // Whatever flags a test passes are for the program; --help too, from which envtest learns which ones there are.
    const programs = { etcd: runEtcd, 'kube-apiserver': runKubeApiServer }
    for (const [name, run] of Object.entries(programs))
      group
        .command(`${name} [flags...]`)
        .description(`what envtest takes for ${name}`)
        .helpOption(false)
        .allowUnknownOption()
        .action((_flags: string[], _options, command) => run(command.args, outside))
  },
}

async function assetsFolder({ disk }: Outside): Promise<string> {
  for (const place of assets) {
    const folder = fileURLToPath(new URL(place, import.meta.url))
    if (await disk.exists(folder)) return folder
  }
  throw new Error('the folder bin/envtest is not part of this installation')
}

const help = `Stands in for etcd and kube-apiserver in envtest, with the flags that envtest passes.

Flags:
      --etcd-servers strings   an etcd to store in; with OptiFlow's stand-in, objects are kept in memory
      --secure-port int        where the API is served
`

async function runEtcd(args: string[], outside: Outside): Promise<void> {
  if (args.includes('--help')) return outside.terminal.out(help)
  await using _running = await startEtcdStandIn(new Flags(args))
  await aborted(outside.signal)
}

async function runKubeApiServer(args: string[], outside: Outside): Promise<void> {
  if (args.includes('--help')) return outside.terminal.out(help)
  const flags = new Flags(args)
  await using running = await startKubeApiServer(flags, systemOutside(createLogger('warn')))
  for (const name of flags.unread()) outside.terminal.err(`--${name} has no effect here\n`)
  outside.terminal.err(`serving on ${running.url}\n`)
  await aborted(outside.signal)
}
