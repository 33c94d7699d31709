import { every } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { OutsideWorld } from './outside.ts'
import type { Pki } from './pki.ts'

/** Looked at in any case, wherever changes of a folder are not told. */
const againMs = 60_000
/** Whoever writes two files of a pair, or two pairs, is done by then. */
const settleMs = 500

/**
 * Takes over certificates and authorities whose files change while the server runs, as kube-apiserver does with its own. What cannot be
 * used is told to the log, once for each state of it, and the pair before stays.
 * @param folder of the keys. @returns ends that
 */
export function followKeys(
  pki: Pick<Pki, 'reload'>,
  folder: string,
  { clock, disk, log }: Pick<OutsideWorld, 'clock' | 'disk' | 'log'>,
): () => void {
  const stop = new AbortController()
  let told = ''
  const look = async () => {
    try {
      await pki.reload()
      told = ''
    } catch (error) {
      const text = explain(error)
      if (text !== told) log.error({ error: text }, 'a certificate was replaced by what cannot be used')
      told = text
    }
  }
  let due: (() => void) | undefined
  const changed = () => {
    due?.()
    if (!stop.signal.aborted) due = clock.schedule(settleMs, () => void look())
  }
  every(clock, againMs, look, stop.signal)
  void disk.watch(folder, changed, stop.signal).catch(error => {
    if (!stop.signal.aborted)
      log.warn({ folder, error: explain(error) }, 'certificates are looked at once a minute only')
  })
  return () => {
    stop.abort()
    due?.()
  }
}
