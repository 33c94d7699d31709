import { GoText, invalid, notSupported, tooLong } from '../../models/field-error.ts'
import type { Call } from '../core.ts'
import { invalidOptions } from './invalid-options.ts'

const maxManagerBytes = 128

/** @throws ApiError Invalid for anything but `dryRun=All` */
export function isDryRun(call: Call): boolean {
  const values = call.info.query.getAll('dryRun')
  checkDryRun(call, values)
  return values.length > 0
}

export function checkDryRun(call: Call, values: readonly unknown[]): void {
  if (values.every(value => value === 'All')) return
  const list = `[]string{${values.map(value => JSON.stringify(value)).join(', ')}}`
  throw invalidOptions(call, notSupported('dryRun', new GoText(list), ['All']))
}

/** Who writes: the query's fieldManager, else the client's name. @throws ApiError Invalid */
export function fieldManager(call: Call): string {
  const said = call.info.query.get('fieldManager') ?? ''
  if (said.length > maxManagerBytes) throw invalidOptions(call, tooLong('fieldManager', maxManagerBytes))
  const unprintable = /[^\x20-\x7e\u00a0-\u{10ffff}]/u.exec(said)
  if (unprintable) {
    const code = unprintable[0].codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    const at = Buffer.byteLength(said.slice(0, unprintable.index))
    throw invalidOptions(call, invalid('fieldManager', said, `invalid character U+${code} (at position ${at})`))
  }
  if (said) return said
  const agent = call.request.headers['user-agent'] ?? ''
  return agent.split('/', 1)[0]!.slice(0, 128) || 'unknown'
}

/** The options of the request, as webhooks are shown them: those of a patch read as those of an update. */
export function shownOptions(call: Call, kind: 'CreateOptions' | 'UpdateOptions'): object {
  const { query } = call.info
  const validation = query.get('fieldValidation')
  const manager = query.get('fieldManager')
  return {
    ...{ kind, apiVersion: 'meta.k8s.io/v1' },
    ...(isDryRun(call) ? { dryRun: ['All'] } : {}),
    ...(manager ? { fieldManager: manager } : {}),
    ...(validation ? { fieldValidation: validation } : {}),
  }
}
