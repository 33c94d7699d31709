import { importArchive } from '../../main/image-import.ts'
import { systemOutside } from '../../main/outside.ts'
import type { CliCommand } from '../command.ts'
import { settingsOf, withSettings } from './settings-flags.ts'

export const nodeImport: CliCommand = {
  register(program, outside) {
    withSettings(program.command('import <archive>'), ['data-dir', 'container-runtime-endpoint'])
      .description(
        'put the images of an archive on this node, without a registry: docker save app:1 | optiflow node import -',
      )
      .option('--name <image>', 'what its image is called, instead of what the archive says')
      .action(async (archive: string, given: Record<string, unknown>) => {
        const settings = await settingsOf(outside, given)
        const as = given['name'] as string | undefined
        // Nothing has read from standard input yet: tar does.
        const file = archive === '-' ? `/proc/${process.pid}/fd/0` : archive
        const images = await importArchive(settings, systemOutside(), { archive: file, as })
        for (const { name, digest } of images) outside.terminal.out(`${name} ${digest}\n`)
      })
  },
}
