import { join } from 'node:path'
import { CommandFailed } from '../base/commands.ts'
import { OptiFlowError } from '../base/errors.ts'
import { BadArchive, openContainerd, RuntimeUnavailable, readImageArchive, wholeName } from '../runtime/index.ts'
import { nodePlaces } from './doctor/node-doctor.ts'
import { notedNode } from './node-note.ts'
import { runtimeLeftBehind } from './node-runtime.ts'
import type { OutsideWorld } from './outside.ts'
import type { Settings } from './settings.ts'

export interface ImportedImage {
  /** Whole, as pods may name it or its short form. */
  name: string
  /** Of its manifest or index. */
  digest: string
}

/** The images cannot come into this node. */
export class ImportRefused extends OptiFlowError {}

const unpackingMs = 3_600_000

/**
 * Puts the images of an archive into the containerd of this machine's node, as if they had been pulled.
 * @param archive path of a tar file, compressed or not
 * @param as instead of the name that the archive gives its one image
 * @throws ImportRefused, BadArchive
 */
export async function importArchive(
  settings: Settings,
  outside: OutsideWorld,
  { archive, as }: { archive: string; as: string | undefined },
): Promise<ImportedImage[]> {
  const { disk, commands, random } = outside
  const socket = await socketOf(settings, outside)
  // Beside the images' own place: there is room where they go.
  const folder = join(settings.dataDir, `import-${random.uuid()}`)
  await disk.makeFolder(folder, { mode: 0o700 })
  try {
    const flags = ['--extract', '--no-same-owner', '--no-same-permissions', '--file', archive, '--directory', folder]
    await commands.run('tar', flags, { timeoutMs: unpackingMs }).catch(cause => {
      if (!(cause instanceof CommandFailed)) throw cause
      throw new BadArchive(`${archive} cannot be unpacked: ${cause.stderr.trim().split('\n')[0]}`, {
        cause,
        hint: 'Give a file that tar can read, such as docker save writes it.',
      })
    })
    const images = await readImageArchive(disk, folder)
    if (as !== undefined && images.length !== 1)
      throw new ImportRefused(`${archive} has ${images.length} images, and one name is given`, {
        hint: 'Leave --name out, and they are called what the archive calls them.',
      })
    await using runtime = openContainerd({ ...outside, socket })
    const done: ImportedImage[] = []
    for (const { names, source } of images) {
      const wanted = as === undefined ? names : [wholeName(as)]
      if (!wanted.length)
        throw new ImportRefused(`${archive} does not say what its image ${source.target.digest} is called`, {
          hint: 'Say it: --name app:1',
        })
      for (const name of wanted) {
        await runtime.contents!.take(name, source, new AbortController().signal)
        done.push({ name, digest: source.target.digest })
      }
    }
    return done
  } catch (cause) {
    if (!(cause instanceof RuntimeUnavailable)) throw cause
    throw new ImportRefused('the container runtime of this node does not answer', {
      cause,
      hint: 'Start the node (optiflow up, or optiflow agent), then import again.',
    })
  } finally {
    await disk.remove(folder)
  }
}

async function socketOf(settings: Settings, { disk }: OutsideWorld): Promise<string> {
  const own = settings.containerRuntimeEndpoint
  if (own) return own.replace(/^unix:\/\//, '')
  if (await runtimeLeftBehind(disk, settings.dataDir)) return nodePlaces(await notedNode(disk, settings)).socket
  throw new ImportRefused(`no node with containers runs from ${settings.dataDir}`, {
    hint: 'Name the data folder of the node with --data-dir.',
  })
}
