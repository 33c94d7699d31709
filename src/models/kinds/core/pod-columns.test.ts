import { describe, expect, test } from 'vitest'
import { rowOf } from '../../table.ts'
import { Pod } from '../index.ts'

const created = '2026-01-01T00:00:00Z'
const nowMs = Date.parse('2026-01-01T01:00:00Z')
const running = { state: { running: { startedAt: created } }, ready: true, started: true, restartCount: 0 }
const waiting = (reason: string) => ({ state: { waiting: { reason } }, ready: false, restartCount: 0 })
const ended = (exitCode: number, reason?: string) => ({
  state: { terminated: { exitCode, ...(reason ? { reason } : {}) } },
  ready: false,
  restartCount: 0,
})

/** The cells after the name: ready, status, restarts. */
function row(status: object, options: { spec?: object; metadata?: object } = {}) {
  const pod: any = {
    metadata: { name: 'p', creationTimestamp: created, ...options.metadata },
    spec: { containers: [{ name: 'a' }], ...options.spec },
    status,
  }
  return Pod.columns!.slice(0, 3).map(c => c.cell(pod, nowMs))
}

describe("a pod's row", () => {
  const init = { spec: { initContainers: [{ name: 'i' }, { name: 'j' }], containers: [{ name: 'a' }] } }
  const sidecar = { spec: { initContainers: [{ name: 'i', restartPolicy: 'Always' }], containers: [{ name: 'a' }] } }
  const deleted = { metadata: { deletionTimestamp: created } }
  test.each<[string, ReturnType<typeof row>, unknown[]]>([
    ['pending', row({ phase: 'Pending' }), ['0/1', 'Pending', '0']],
    ['running', row({ phase: 'Running', containerStatuses: [{ name: 'a', ...running }] }), ['1/1', 'Running', '0']],
    [
      'pulling',
      row({ phase: 'Pending', containerStatuses: [{ name: 'a', ...waiting('ContainerCreating') }] }),
      ['0/1', 'ContainerCreating', '0'],
    ],
    [
      'crashing',
      row({
        phase: 'Running',
        containerStatuses: [
          {
            name: 'a',
            ...waiting('CrashLoopBackOff'),
            restartCount: 3,
            lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:55:00Z' } },
          },
        ],
      }),
      ['0/1', 'CrashLoopBackOff', '3 (5m ago)'],
    ],
    [
      'done',
      row({ phase: 'Succeeded', containerStatuses: [{ name: 'a', ...ended(0, 'Completed') }] }),
      ['0/1', 'Completed', '0'],
    ],
    [
      'dead without a reason',
      row({ phase: 'Failed', containerStatuses: [{ name: 'a', ...ended(3) }] }),
      ['0/1', 'ExitCode:3', '0'],
    ],
    ['evicted', row({ phase: 'Failed', reason: 'Evicted' }), ['0/1', 'Evicted', '0']],
    [
      'gated',
      row({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      ['0/1', 'SchedulingGated', '0'],
    ],
    [
      'at its second init container',
      row(
        {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'i', ...ended(0, 'Completed') },
            { name: 'j', ...running },
          ],
          containerStatuses: [{ name: 'a', ...waiting('PodInitializing') }],
        },
        init,
      ),
      ['0/1', 'Init:1/2', '0'],
    ],
    [
      'failing in its init container',
      row(
        { phase: 'Pending', initContainerStatuses: [{ name: 'i', ...waiting('CrashLoopBackOff'), restartCount: 2 }] },
        init,
      ),
      ['0/1', 'Init:CrashLoopBackOff', '2'],
    ],
    [
      'with a sidecar',
      row(
        {
          phase: 'Running',
          initContainerStatuses: [{ name: 'i', ...running }],
          containerStatuses: [{ name: 'a', ...running }],
        },
        sidecar,
      ),
      ['2/2', 'Running', '0'],
    ],
    [
      'being deleted',
      row({ phase: 'Running', containerStatuses: [{ name: 'a', ...running }] }, deleted),
      ['1/1', 'Terminating', '0'],
    ],
    ['done and being deleted', row({ phase: 'Succeeded' }, deleted), ['0/1', 'Succeeded', '0']],
    ['lost with its node', row({ phase: 'Running', reason: 'NodeLost' }, deleted), ['0/1', 'Unknown', '0']],
    [
      'half done',
      row(
        {
          phase: 'Running',
          conditions: [{ type: 'Ready', status: 'False' }],
          containerStatuses: [
            { name: 'a', ...ended(0, 'Completed') },
            { name: 'b', ...running },
          ],
        },
        { spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
      ),
      ['1/2', 'NotReady', '0'],
    ],
  ])('%s', (_, actual, expected) => {
    expect(actual).toEqual(expected)
  })
})

test.each<[string, object[] | undefined]>([
  ['Running', undefined],
  [
    'Succeeded',
    [{ type: 'Completed', status: 'True', reason: 'Succeeded', message: 'The pod has completed successfully.' }],
  ],
  ['Failed', [{ type: 'Completed', status: 'True', reason: 'Failed', message: 'The pod failed.' }]],
])('the row of a pod that is %s says whether it has ended', (phase, conditions) => {
  const pod = { metadata: { name: 'p' }, spec: { containers: [] }, status: { phase } } as any
  const shown = { cells: expect.any(Array), ...(conditions ? { conditions } : {}), object: null }
  expect(rowOf(Pod, pod, nowMs, 'None')).toEqual(shown)
})
