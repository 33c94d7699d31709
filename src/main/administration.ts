import type { OtherPathHandler } from '../apiserver/index.ts'
import type { Clock } from '../base/clock.ts'
import { writeBackup } from '../db/index.ts'
import type { OpenedStore } from './store.ts'

/** What administrators ask of a running server, besides the API of the cluster. Only system:masters may unless RBAC says more. */
export function administration({ store, sealed }: OpenedStore, clock: Clock): Record<string, OtherPathHandler> {
  return {
    'GET /optiflow/backup': async call => {
      // The keys go along only into a backup that the client encrypts.
      const keys = call.info.query.get('keys') === 'true' ? sealed?.keyring.text() : undefined
      const body = writeBackup(sealed?.store.inner ?? store, { clock, ...(keys ? { keys } : {}) })
      return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body }
    },
    'POST /optiflow/rotate-key': async () => {
      const key = await sealed?.keyring.rotate()
      const written = (await sealed?.store.reseal()) ?? 0
      const body = Buffer.from(JSON.stringify({ key: key ?? '', written }))
      return { status: 200, headers: { 'content-type': 'application/json' }, body }
    },
  }
}
