import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { onPath, run } from '../support/processes.ts'
import { imagesOfFolder } from './bin-images.ts'

/** The archives to import: the one that is named, or those that skopeo fetches from the registry that is named. */
export async function archivesOf(from: string, file: string, folder: string): Promise<string[]> {
  if (from.startsWith('/')) return from.split(',')
  if (!onPath('skopeo')) throw new Error('CALICO_IMAGES names a registry: install skopeo, or name an archive')
  const names = await imagesNamedIn(file)
  return Promise.all(
    names.map(async (name, i) => {
      const archive = join(folder, `${i}.tar`)
      const path = name.replace(/^[^/]+\//, '')
      const copy = ['copy', '--src-tls-verify=false', `docker://${from}/${path}`, `docker-archive:${archive}:${name}`]
      const { code, err } = await run('skopeo', copy, { timeoutMs: 300_000 })
      if (code !== 0) throw new Error(`skopeo cannot fetch ${path} from ${from}: ${err}`)
      return archive
    }),
  )
}

/** Archives made of a folder of binaries, under the names that the manifest has. */
export async function archivesOfFolder(folder: string, file: string, into: string): Promise<string[]> {
  const images = await imagesOfFolder(folder, await imagesNamedIn(file))
  return Promise.all(
    images.map(async ({ archive }, i) => {
      const path = join(into, `${i}.tar`)
      await writeFile(path, archive)
      return path
    }),
  )
}

async function imagesNamedIn(file: string): Promise<string[]> {
  const documents = parseAllDocuments(await readFile(file, 'utf8')).map(document => document.toJS())
  return [...new Set(JSON.stringify(documents).match(/(?<="image":")[^"]+/g))]
}
