import type { Json } from '../../side.ts'
import { podTemplate, type Story, step } from '../story.ts'

const job = (spec: Json = {}, pod: Json = {}): Json => ({
  spec: { template: podTemplate({ app: 'job' }, '', { restartPolicy: 'Never', ...pod }), ...spec },
})
const kinds = ['jobs', 'cronjobs']
const index = (i: number) => (pod: Json) =>
  pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'] === String(i)
const any = () => true
const cron = (spec: Json = {}): Json => ({
  spec: { schedule: '*/1 * * * *', jobTemplate: job({}), ...spec },
})

export const jobStories: Story[] = [
  {
    name: 'cronjob-allow',
    kinds,
    steps: [
      step('create with a time zone', scene => scene.create('cronjobs', 'tick', cron({ timeZone: 'Europe/Zurich' })), {
        leastMs: 63_000,
      }),
      step('suspend', scene => scene.patch('cronjobs', 'tick', { spec: { suspend: true } })),
      step('its job ends', scene => scene.finish(0, any)),
      step('delete', scene => scene.delete('cronjobs', 'tick', { propagationPolicy: 'Background' })),
    ],
  },
  {
    name: 'cronjob-policies',
    kinds,
    steps: [
      step(
        'one of each policy, for two minutes',
        async scene => {
          await scene.create('cronjobs', 'forbid', cron({ concurrencyPolicy: 'Forbid' }))
          await scene.create('cronjobs', 'replace', cron({ concurrencyPolicy: 'Replace' }))
          await scene.create('cronjobs', 'late', cron({ startingDeadlineSeconds: 0 }))
          await scene.create('cronjobs', 'never', cron({ schedule: '0 0 31 2 *' }))
          await scene.create('cronjobs', 'zone', cron({ schedule: 'CRON_TZ=UTC * * * * *' })).catch(() => {})
        },
        { leastMs: 125_000 },
      ),
    ],
  },
  {
    name: 'job-plain',
    kinds,
    steps: [
      step('create', scene => scene.create('jobs', 'job', job({ completions: 3, parallelism: 2 }))),
      step('two succeed', scene => scene.finish(0, any, 2)),
      step('the third', scene => scene.finish(0, any)),
      step('delete', scene => scene.delete('jobs', 'job', { propagationPolicy: 'Foreground' })),
    ],
  },
  {
    name: 'job-queue',
    kinds,
    steps: [
      step('create', scene => scene.create('jobs', 'job', job({ parallelism: 3 }))),
      step('less parallel', scene => scene.patch('jobs', 'job', { spec: { parallelism: 2 } })),
      step('one succeeds', async scene => {
        const [pod] = await scene.awaitPods(2)
        await scene.finish(0, ({ metadata }) => metadata.name === pod.metadata.name)
      }),
      step('the other too', scene => scene.finish(0, any)),
    ],
  },
  {
    name: 'job-fails',
    kinds,
    steps: [
      step('create', scene => scene.create('jobs', 'job', job({ backoffLimit: 1 }))),
      step('fails', scene => scene.finish(1, any), { leastMs: 14_000, patienceMs: 8_000 }),
      step('fails again', scene => scene.finish(1, any)),
    ],
  },
  {
    name: 'job-deadline',
    kinds,
    steps: [
      step(
        'create with a deadline and a time to live',
        scene => scene.create('jobs', 'job', job({ activeDeadlineSeconds: 3, ttlSecondsAfterFinished: 12 })),
        { leastMs: 6_000 },
      ),
      step('time to live over', async () => {}, { leastMs: 15_000 }),
    ],
  },
  {
    name: 'job-suspended',
    kinds,
    steps: [
      step('create suspended', scene => scene.create('jobs', 'job', job({ suspend: true, completions: 2 }))),
      step('resume', scene => scene.patch('jobs', 'job', { spec: { suspend: false } })),
      step('suspend', scene => scene.patch('jobs', 'job', { spec: { suspend: true } })),
      step('resume again', scene => scene.patch('jobs', 'job', { spec: { suspend: false, parallelism: 2 } })),
      step('ends', scene => scene.finish(0, any, 2)),
    ],
  },
  {
    name: 'job-indexed',
    kinds,
    steps: [
      step('create', scene =>
        scene.create(
          'jobs',
          'job',
          job({
            completionMode: 'Indexed',
            completions: 4,
            parallelism: 3,
            backoffLimitPerIndex: 0,
            maxFailedIndexes: 2,
          }),
        ),
      ),
      step('index 1 succeeds', scene => scene.finish(0, index(1))),
      step('index 0 fails', scene => scene.finish(1, index(0))),
      step('index 2 succeeds', scene => scene.finish(0, index(2))),
      step('index 3 succeeds', scene => scene.finish(0, index(3))),
    ],
  },
  {
    name: 'job-indexed-failures',
    kinds,
    steps: [
      step('create', scene =>
        scene.create(
          'jobs',
          'job',
          job({
            completionMode: 'Indexed',
            completions: 4,
            parallelism: 4,
            backoffLimitPerIndex: 0,
            maxFailedIndexes: 1,
          }),
        ),
      ),
      step('index 1 fails', scene => scene.finish(1, index(1))),
      step('index 3 fails', scene => scene.finish(1, index(3))),
    ],
  },
  {
    name: 'job-success-policy',
    kinds,
    steps: [
      step('create', scene =>
        scene.create(
          'jobs',
          'job',
          job({
            ...{ completionMode: 'Indexed', completions: 3, parallelism: 3 },
            successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 1 }] },
          }),
        ),
      ),
      step('index 2 succeeds', scene => scene.finish(0, index(2))),
      step('index 1 succeeds', scene => scene.finish(0, index(1))),
    ],
  },
  {
    name: 'job-failure-policy',
    kinds,
    steps: [
      step('create three', async scene => {
        const rule = (action: string, more: Json) => ({ action, ...more })
        const onExitCodes = (values: number[]) => ({ onExitCodes: { operator: 'In', values } })
        const rules = [
          rule('FailJob', onExitCodes([42])),
          rule('Ignore', onExitCodes([43])),
          rule('Count', onExitCodes([44])),
          rule('Ignore', { onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }),
        ]
        await scene.create('jobs', 'job', job({ backoffLimit: 0, podFailurePolicy: { rules } }))
        const perIndex = { completionMode: 'Indexed', completions: 2, parallelism: 2, backoffLimitPerIndex: 3 }
        const failIndex = { rules: [rule('FailIndex', onExitCodes([42]))] }
        await scene.create('jobs', 'indexed', job({ ...perIndex, podFailurePolicy: failIndex }))
        await scene.create('jobs', 'ignored', job({ backoffLimit: 0, podFailurePolicy: { rules } }))
      }),
      step('fails the job', scene => scene.finish(42, pod => pod.metadata.labels['job-name'] === 'job')),
      step('fails an index', scene =>
        scene.finish(42, pod => pod.metadata.labels['job-name'] === 'indexed' && index(0)(pod)),
      ),
      step('is ignored', scene => scene.finish(43, pod => pod.metadata.labels['job-name'] === 'ignored'), {
        leastMs: 4_000,
      }),
    ],
  },
  {
    name: 'job-replacement',
    kinds,
    steps: [
      step('create, replaced when failed', scene =>
        scene.create('jobs', 'job', {
          spec: {
            template: podTemplate({ app: 'job' }, 'stays', { restartPolicy: 'Never' }),
            podReplacementPolicy: 'Failed',
          },
        }),
      ),
      step('its pod is deleted and stays', async scene => {
        const [pod] = await scene.awaitPods(1, pod => pod.spec.nodeName)
        await scene.delete('pods', pod.metadata.name)
      }),
      step('managed by others', scene => scene.create('jobs', 'other', job({ managedBy: 'example.com/queue' }))),
      step('a manual selector', scene =>
        scene.create('jobs', 'manual', job({ manualSelector: true, selector: { matchLabels: { app: 'job' } } })),
      ),
      step('an unknown account', scene => scene.create('jobs', 'nobody', job({}, { serviceAccountName: 'nobody' })), {
        leastMs: 4_000,
      }),
    ],
  },
]
