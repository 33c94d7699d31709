import { upgrade as run } from '../../../main/calico.ts'
import type { CliCommand } from '../../command.ts'
import { installOptions } from './install.ts'
import { type ManifestFlags, withManifest } from './manifest-flags.ts'
import { withCalico } from './session.ts'

export const upgrade: CliCommand = {
  register(program, outside) {
    withManifest(program.command('upgrade'))
      .description('bring Calico to the version of a manifest, node by node')
      .action((flags: ManifestFlags) =>
        withCalico(outside, flags, async session => {
          const { from, to } = await run(await installOptions(session, flags))
          outside.terminal.out(`\nCalico ${from === to ? `${to}, as it was` : `${from} → ${to}`}\n`)
        }),
      )
  },
}
