import { isIP, plainAddress } from '../../../base/ip.ts'
import { duplicate, type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'
import { checkPort } from '../checks.ts'
import { age, text } from '../columns.ts'
import { checkEndpointIP } from '../core/endpoints-validation.ts'

export type ServiceRegistration = optiflow.ServiceRegistration

const mostAddresses = 100

/** `10.0.0.5:5432` or `[fd00::5]:5432`; undefined if it is neither. */
export function parseAddress(address: string): { ip: string; port: number } | undefined {
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address)
  const ip = found?.[1] ?? found?.[2] ?? ''
  const port = Number(found?.[3])
  return isIP(ip) && port >= 1 && port <= 65_535 ? { ip: plainAddress(ip), port } : undefined
}

function validateRegistration({ spec }: ServiceRegistration): FieldError[] {
  if (!spec) return []
  const { addresses = [], check, port, protocol } = spec
  const errors: FieldError[] = []
  if (!addresses.length) errors.push(required('spec.addresses', 'where the service is reached'))
  if (addresses.length > mostAddresses)
    errors.push(invalid('spec.addresses', addresses.length, `must be at most ${mostAddresses}`))
  for (const [i, address] of addresses.entries()) {
    const at = `spec.addresses[${i}]`
    const parsed = parseAddress(address)
    if (!parsed) errors.push(invalid(at, address, 'must be an IP address and a port, such as 10.0.0.5:5432'))
    else errors.push(...checkEndpointIP(at, parsed.ip))
    if (addresses.indexOf(address) < i) errors.push(duplicate(at, address))
  }
  if (port !== undefined) errors.push(...checkPort('spec.port', port))
  return check ? [...errors, ...checkCheck(check, protocol)] : errors
}

function checkCheck(check: optiflow.ServiceRegistrationCheck, protocol: string | undefined): FieldError[] {
  const errors: FieldError[] = []
  if (!check.http && !check.tcp) errors.push(required('spec.check', 'must specify one of http and tcp'))
  if (check.http && check.tcp) errors.push(forbidden('spec.check.tcp', 'may not specify more than one of http and tcp'))
  if (protocol === 'UDP')
    errors.push(forbidden('spec.check', 'addresses of a UDP service cannot be asked: nobody must answer'))
  if (check.http?.path && !check.http.path.startsWith('/'))
    errors.push(invalid('spec.check.http.path', check.http.path, 'must be an absolute path'))
  for (const field of ['intervalSeconds', 'timeoutSeconds', 'failureThreshold', 'successThreshold'] as const) {
    const value = check[field]
    if (value !== undefined && (value < 1 || value > 3_600))
      errors.push(invalid(`spec.check.${field}`, value, 'must be between 1 and 3600'))
  }
  return errors
}

function healthText({ spec, status }: ServiceRegistration): string {
  const all = spec?.addresses?.length ?? 0
  return spec?.check ? `${(status?.addresses ?? []).filter(a => a.healthy).length}/${all}` : `${all}/${all}`
}

/** A service outside the cluster that is found by name as if it ran inside. */
export const ServiceRegistration = defineKind<optiflow.ServiceRegistration>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'ServiceRegistration',
  plural: 'serviceregistrations',
  shortNames: ['sreg'],
  scope: 'Namespaced',
  schema: 'optiflow/v1.ServiceRegistration',
  subresources: ['status'],
  unconditionalUpdate: true,
  columns: [text('Addresses', r => (r.spec?.addresses ?? []).join(',')), text('Healthy', healthText), age],
  ownAge: true,
  defaults: ({ spec }) => {
    if (!spec) return
    spec.port ??= parseAddress(spec.addresses?.[0] ?? '')?.port ?? 0
    const { check } = spec
    if (!check) return
    check.intervalSeconds ??= 10
    check.timeoutSeconds ??= 2
    check.failureThreshold ??= 3
    check.successThreshold ??= 1
    if (check.http) {
      check.http.path ??= '/'
      check.http.scheme ??= 'HTTP'
    }
  },
  validate: validateRegistration,
})
