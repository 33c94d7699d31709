import { ApiError, badRequest } from '../../models/api-error.ts'
import type { Call } from '../core.ts'

/** @throws ApiError for anything but `dryRun=All` */
export function isDryRun(call: Call): boolean {
  const values = call.info.query.getAll('dryRun').filter(v => v !== '')
  for (const value of values) checkDryRun(value)
  return values.length > 0
}

export function checkDryRun(value: unknown): void {
  if (value !== 'All')
    throw new ApiError('Invalid', `dryRun: Unsupported value: ${JSON.stringify(value)}: supported values: "All"`, {
      details: {
        causes: [
          {
            reason: 'FieldValueNotSupported',
            message: `Unsupported value: ${JSON.stringify(value)}: supported values: "All"`,
            field: 'dryRun',
          },
        ],
      },
    })
}

/** Who writes: the query's fieldManager, else the client's name. @throws ApiError BadRequest */
export function fieldManager(call: Call): string {
  const said = call.info.query.get('fieldManager') ?? ''
  if (said.length > 128) throw badRequest('fieldManager: Too long: may not be more than 128 bytes')
  if (!/^[\x20-\x7e\u00a0-\uffff]*$/.test(said))
    throw badRequest('fieldManager: Invalid value: should only contain printable characters')
  if (said) return said
  const agent = call.request.headers['user-agent'] ?? ''
  return agent.split('/', 1)[0]!.slice(0, 128) || 'unknown'
}

/** The options of the request, as webhooks are shown them. */
export function shownOptions(call: Call, kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions'): object {
  const { query } = call.info
  const validation = query.get('fieldValidation')
  return {
    ...{ kind, apiVersion: 'meta.k8s.io/v1' },
    ...(isDryRun(call) ? { dryRun: ['All'] } : {}),
    ...(kind === 'PatchOptions' && query.get('force') === 'true' ? { force: true } : {}),
    fieldManager: fieldManager(call),
    ...(validation ? { fieldValidation: validation } : {}),
  }
}
