import { isDns1035Label } from '../../../base/names.ts'
import { defineKind } from '../../kind.ts'
import type * as optiflow from '../../types/optiflow-v1.ts'
import { age, text } from '../columns.ts'
import { validateWorkload } from './workload-validation.ts'

export type Workload = optiflow.Workload

/** Ports lead to themselves, and health is asked where the traffic goes. */
function defaultWorkload({ spec }: optiflow.Workload): void {
  if (!spec) return
  for (const port of spec.ports ?? []) port.targetPort ??= port.port
  const check = spec.healthCheck
  if (!check) return
  check.intervalSeconds ??= 10
  check.timeoutSeconds ??= 1
  check.failureThreshold ??= 3
  const port = spec.ports?.[0]?.targetPort
  if (check.http) check.http.path ||= '/'
  for (const probe of [check.http, check.tcp]) if (probe && port !== undefined) probe.port ??= port
}

/** Ready, Progressing, or the worst problem in the controller's words. */
function statusText({ metadata, spec, status }: optiflow.Workload): string {
  if (metadata.deletionTimestamp) return 'Terminating'
  if (status?.message) return status.message
  if (spec.job || spec.schedule) return 'Progressing'
  const current = status?.observedGeneration === metadata.generation
  return current && (status?.readyReplicas ?? 0) >= (spec.replicas ?? 1) ? 'Ready' : 'Progressing'
}

/** Of what runs to its end, how much of it is done; of what runs by a schedule, nothing that could be counted. */
function readyText({ spec, status }: optiflow.Workload): string {
  if (spec.schedule) return '-'
  if (spec.job) return `${status?.succeeded ?? 0}/${spec.job.completions ?? 1}`
  return `${status?.readyReplicas ?? 0}/${spec.replicas ?? 1}`
}

const widest = 60

/** Fits a row of a terminal; the whole text is in the wide Message. */
const shorten = (text: string) => (text.length > widest ? `${text.slice(0, widest - 1)}…` : text)

/** An app in one object: an image, how many, its ports. It becomes a Deployment and a Service, or what runs to its end a Job or CronJob. */
export const Workload = defineKind<optiflow.Workload>({
  group: 'optiflow.dev',
  version: 'v1',
  kind: 'Workload',
  plural: 'workloads',
  shortNames: ['wl'],
  categories: ['all'],
  scope: 'Namespaced',
  schema: 'optiflow/v1.Workload',
  subresources: ['status', 'scale'],
  scale: {
    specReplicas: 'spec.replicas',
    statusReplicas: 'status.replicas',
    selector: workload => workload.status?.selector ?? '',
  },
  unconditionalUpdate: true,
  columns: [
    text('Ready', readyText),
    text('URL', w => w.status?.url ?? ''),
    text('Status', w => shorten(statusText(w))),
    age,
    text('Image', w => w.spec.image ?? '', 'wide'),
    text('Message', w => w.status?.message ?? '', 'wide'),
  ],
  ownAge: true,
  defaults: defaultWorkload,
  validName: isDns1035Label,
  validate: validateWorkload,
})
