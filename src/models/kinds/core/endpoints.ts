import { bracketed } from '../../../base/ip.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { firstFew, text } from '../columns.ts'
import { validateEndpoints } from './endpoints-validation.ts'

export type Endpoints = core.Endpoints

/** Each ready address with each port; addresses alone where there are no ports. */
function addresses({ subsets = [] }: core.Endpoints): string {
  if (!subsets.length) return '<none>'
  return firstFew(
    subsets.flatMap(({ ports = [], addresses = [] }) =>
      ports.length
        ? ports.flatMap(port => addresses.map(a => `${bracketed(a.ip)}:${port.port}`))
        : addresses.map(a => a.ip),
    ),
  )
}

export const Endpoints = defineKind<core.Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  scope: 'Namespaced',
  schema: 'core/v1.Endpoints',
  noGeneration: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  columns: [text('Endpoints', addresses)],
  defaults: endpoints => {
    for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ??= 'TCP'
  },
  validate: validateEndpoints,
})
