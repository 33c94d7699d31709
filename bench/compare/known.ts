import type { Difference } from './differences.ts'

/** A difference that is meant to be. */
interface Known {
  reason: string
  /** In the cause of the difference. */
  cause: RegExp
  /** In what was asked. */
  what?: RegExp
}

const known: Known[] = [
  {
    reason: 'pods get the seccomp profile RuntimeDefault where they name none',
    cause: /seccompProfile/,
  },
  {
    reason: 'the default StorageClass is there from the start',
    cause: /storageClassName/,
    what: /^persistentvolumeclaims/,
  },
]

/** Why a difference is meant to be; undefined for those that are not. */
export function knownReason(what: string, { cause }: Difference): string | undefined {
  return known.find(k => k.cause.test(cause) && (!k.what || k.what.test(what)))?.reason
}
