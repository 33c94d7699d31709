import { isHttpHeaderName } from '../../../base/names.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { HTTPGetAction, Lifecycle, LifecycleHandler, Probe } from '../../types/core-v1.ts'
import { checkNonNegative, checkPort, checkPortReference, texts } from '../checks.ts'

type Handler = LifecycleHandler & Pick<Probe, 'grpc'>

const schemes = ['HTTP', 'HTTPS']

function checkHttpGet(field: string, action: HTTPGetAction): FieldError[] {
  return [
    ...(action.path ? [] : [required(`${field}.path`)]),
    ...checkPortReference(`${field}.port`, action.port),
    ...(schemes.includes(action.scheme ?? '') ? [] : [notSupported(`${field}.scheme`, action.scheme ?? '', schemes)]),
    ...(action.httpHeaders ?? []).flatMap(({ name }) => texts(`${field}.httpHeaders`, name, isHttpHeaderName(name))),
  ]
}

/** Exactly one way to ask. */
function checkHandler(field: string, handler: Handler, graceSeconds: number | undefined): FieldError[] {
  const errors: FieldError[] = []
  let handlers = 0
  const once = (name: string, check: () => FieldError[]) => {
    if (handlers++) errors.push(forbidden(`${field}.${name}`, 'may not specify more than 1 handler type'))
    else errors.push(...check())
  }
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  if (exec) once('exec', () => (exec.command?.length ? [] : [required(`${field}.exec.command`)]))
  if (httpGet) once('httpGet', () => checkHttpGet(`${field}.httpGet`, httpGet))
  if (tcpSocket) once('tcpSocket', () => checkPortReference(`${field}.tcpSocket.port`, tcpSocket.port))
  if (grpc) once('grpc', () => checkPort(`${field}.grpc.port`, grpc.port))
  if (sleep)
    once('sleep', () =>
      sleep.seconds > 0 && sleep.seconds <= (graceSeconds ?? 30)
        ? []
        : [
            invalid(
              `${field}.sleep`,
              sleep.seconds,
              `must be greater than 0 and less than terminationGracePeriodSeconds (${graceSeconds ?? 30}). Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.`,
            ),
          ],
    )
  if (!handlers) errors.push(required(field, 'must specify a handler type'))
  return errors
}

const counts = [
  'initialDelaySeconds',
  'timeoutSeconds',
  'periodSeconds',
  'successThreshold',
  'failureThreshold',
] as const

/** @param use what the probe decides; only readiness may want several successes */
export function checkProbe(field: string, probe: Probe, use: 'liveness' | 'readiness' | 'startup'): FieldError[] {
  const errors = [
    ...checkHandler(field, probe, undefined),
    ...counts.flatMap(name => checkNonNegative(`${field}.${name}`, probe[name])),
  ]
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && grace <= 0)
    errors.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
  if (use === 'readiness') {
    if (grace !== undefined)
      errors.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'))
  } else if (probe.successThreshold !== 1)
    errors.push(invalid(`${field}.successThreshold`, probe.successThreshold ?? 0, 'must be 1'))
  return errors
}

export function checkLifecycle(field: string, { postStart, preStop }: Lifecycle, graceSeconds: number | undefined) {
  return [
    ...(postStart ? checkHandler(`${field}.postStart`, postStart, graceSeconds) : []),
    ...(preStop ? checkHandler(`${field}.preStop`, preStop, graceSeconds) : []),
  ]
}
