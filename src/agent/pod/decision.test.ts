import { describe, expect, it } from 'vitest'
import type { Container, Pod, PodSpec } from '../../models/types/core-v1.ts'
import type { ObservedContainer, ObservedPod } from '../../runtime/runtime.ts'
import { hashAnnotation } from './container-hash.ts'
import { type Action, decide } from './decision.ts'
import { newRecords, type Records, type Situation } from './records.ts'

const now = 1_000_000
const c = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'i:1', ...more })
const sidecar = (name: string) => c(name, { restartPolicy: 'Always' })

function pod(spec: Partial<PodSpec> = {}, meta: object = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'n', uid: 'u', ...meta },
    spec: { containers: [c('web')], terminationGracePeriodSeconds: 30, ...spec },
  } as Pod
}

type Sketch = `${string}:${'running' | 'created' | `exit${number}`}${'' | `#${number}`}`

/** `web:running`, `web:exit1#2`: state and attempt of each container, all in one ready sandbox unless said otherwise. */
function observed(sketches: Sketch[], sandbox: 'ready' | 'stopped' = 'ready'): ObservedPod {
  return {
    uid: 'u',
    name: 'p',
    namespace: 'n',
    sandboxes: [{ id: 's0', attempt: 0, state: sandbox, createdAtMs: 0, ips: ['10.0.0.2'] }],
    containers: sketches.map(sketch => {
      const [, name, state, attempt = '0'] = /^([^:]+):([a-z]+\d*)(?:#(\d+))?$/.exec(sketch)!
      const exit = /^exit(\d+)$/.exec(state!)
      return {
        id: `${name}${attempt}`,
        sandbox: 's0',
        name,
        attempt: Number(attempt),
        image: 'i:1',
        imageRef: 'r',
        state: exit ? 'exited' : state,
        createdAtMs: 0,
        ...(exit ? { exitCode: Number(exit[1]) } : {}),
        labels: {},
        annotations: {},
      } as ObservedContainer
    }),
  }
}

function records(seen: ObservedPod | undefined, more: Partial<Records> = {}): Records {
  const out = { ...newRecords(now, now), volumesReady: true, ...more }
  for (const one of seen?.containers ?? [])
    if (one.state === 'exited' && !out.ended.has(one.id)) out.ended.set(one.id, { atMonoMs: now - 1, message: '' })
  return out
}

const images = (...names: string[]) => new Map(names.map(name => [name, { name: 'i:1', ref: 'r' }]))

function steps(p: Pod, seen: ObservedPod | undefined, more: Partial<Records> = {}, situation: Partial<Situation> = {}) {
  const decision = decide({
    pod: p,
    gone: false,
    observed: seen,
    records: records(seen, more),
    nowMs: now,
    monoMs: now,
    ...situation,
  })
  return decision.actions.map(sketchOf)
}

function sketchOf(action: Action): string {
  switch (action.type) {
    case 'start':
      return `start ${action.container}#${action.attempt}`
    case 'getImage':
      return `image ${action.container}`
    case 'runSandbox':
      return `sandbox ${action.attempt}`
    case 'kill':
      return `kill ${action.id} ${action.graceMs / 1000}s`
    case 'hasten':
      return `hasten ${action.id} ${action.graceMs / 1000}s`
    case 'cancel':
      return `cancel ${action.key}`
    case 'preStop':
      return `preStop ${action.id} ${action.graceMs / 1000}s`
    case 'stopSandbox':
    case 'removeSandbox':
    case 'removeContainer':
    case 'readEnd':
      return `${action.type} ${action.id}`
    default:
      return action.type
  }
}

describe('a pod that is to run', () => {
  it('gets sandbox, volumes and image side by side, and starts when it has all three', () => {
    expect(steps(pod(), undefined, { volumesReady: false })).toEqual(['setUpVolumes', 'sandbox 0', 'image web'])
    expect(steps(pod(), observed([]), { volumesReady: false, images: images('web') })).toEqual(['setUpVolumes'])
    expect(steps(pod(), observed([]), { images: images('web') })).toEqual(['start web#0'])
  })

  it('starts what does not mount an image that is not there, and asks for that image again', () => {
    const reader = { ...c('reader'), volumeMounts: [{ name: 'model', mountPath: '/m' }] }
    const both = pod({ containers: [c('web'), reader] })
    const lacking = { images: images('web', 'reader'), volumesMissing: new Set(['model']) }
    expect(steps(both, observed([]), lacking)).toEqual(['setUpVolumes', 'start web#0'])
    const failure = { count: 1, atMonoMs: now, reason: 'ErrImagePull', message: 'no', volume: 'model' }
    const waiting = { ...lacking, failures: new Map([['volumes', failure]]) }
    expect(steps(both, observed(['web:running']), waiting)).toEqual([])
    expect(steps(both, observed(['web:running']), { images: images('reader') })).toEqual(['start reader#0'])
    const deleted = { ...both, metadata: { ...both.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } } as Pod
    const asked = { ...lacking, operations: new Map([['volumes', { sinceMonoMs: now }]]) }
    expect(steps(deleted, observed([]), asked)).toContain('cancel volumes')
  })

  it('starts nothing after a container with a postStart hook until that has ended or failed', () => {
    const hooked = c('first', { lifecycle: { postStart: { exec: { command: ['hello'] } } } })
    const three = pod({ containers: [c('zero'), hooked, c('web')] })
    expect(steps(three, observed([]))).toEqual(['image zero', 'image first'])
    const under = { operations: new Map([['start:first', { sinceMonoMs: now }]]) }
    expect(steps(three, observed(['zero:running', 'first:running']), under)).toEqual([])
    expect(steps(three, observed(['zero:running', 'first:running']))).toEqual(['image web'])
    const failure = { count: 1, atMonoMs: now, reason: 'ErrImagePull', message: 'no' }
    const failed = { failures: new Map([['image:first', failure]]) }
    expect(steps(three, observed(['zero:running']), failed)).toEqual(['image web'])
  })

  it('takes no step twice while it is under way', () => {
    const operations = new Map([
      ['sandbox', { sinceMonoMs: now }],
      ['volumes', { sinceMonoMs: now }],
      ['image:web', { sinceMonoMs: now }],
    ])
    expect(steps(pod(), undefined, { volumesReady: false, operations })).toEqual([])
    expect(
      steps(pod(), observed(['web:created']), { operations: new Map([['start:web', { sinceMonoMs: now }]]) }),
    ).toEqual([])
  })

  it('is started under the same number when an agent was ended before it had started it', () => {
    expect(steps(pod(), observed(['web:created']), { images: images('web') })).toEqual(['removeContainer web0'])
    expect(steps(pod(), observed(['web:exit1', 'web:created#1']), { images: images('web') })).toEqual([
      'removeContainer web1',
    ])
  })

  it('is left alone when it runs', () => {
    expect(steps(pod(), observed(['web:running']))).toEqual([])
  })

  it.each([
    ['Always', 'exit0', ['image web']],
    ['Always', 'exit1', ['image web']],
    ['OnFailure', 'exit0', ['stopSandbox s0']],
    ['OnFailure', 'exit1', ['image web']],
    ['Never', 'exit0', ['stopSandbox s0']],
    ['Never', 'exit1', ['stopSandbox s0']],
  ] as const)('with restartPolicy %s whose container ended by %s: %j', (restartPolicy, state, wanted) => {
    expect(steps(pod({ restartPolicy }), observed([`web:${state}`]))).toEqual(wanted)
  })

  it('starts a container anew with the next attempt, and waits longer each time', () => {
    const seen = observed(['web:exit1#3'])
    expect(steps(pod(), seen, { images: images('web') })).toEqual(['start web#4'])
    const crashes = new Map([['web', { count: 3, hash: undefined, lastId: 'web3' }]])
    expect(steps(pod(), seen, { images: images('web'), crashes })).toEqual([])
    const later = { monoMs: now + 20_000 }
    expect(steps(pod(), seen, { images: images('web'), crashes }, later)).toEqual(['start web#4'])
  })

  it('reads the last words before anything else is done about an end', () => {
    const seen = observed(['web:exit1'])
    const decision = decide({
      pod: pod(),
      gone: false,
      observed: seen,
      records: newRecords(now, now),
      nowMs: now,
      monoMs: now,
    })
    expect(decision.actions.map(sketchOf)).toContain('readEnd web0')
    expect(decision.actions.map(sketchOf)).not.toContain('image web')
  })

  it('asks for the image again when its name changed meanwhile', () => {
    const changed = pod({ containers: [c('web', { image: 'i:2' })] })
    expect(steps(changed, observed([]), { images: images('web') })).toEqual(['image web'])
  })

  it('gets a new sandbox when its own stopped, after what still runs in it is ended', () => {
    expect(steps(pod(), observed(['web:exit137'], 'stopped'))).toEqual(['sandbox 1', 'image web'])
    const two = pod({ containers: [c('web'), c('log')] })
    expect(steps(two, observed(['web:exit137', 'log:running'], 'stopped'))).toEqual(['stopSandbox s0', 'image web'])
  })

  it('keeps the last two attempts of a container', () => {
    expect(steps(pod(), observed(['web:exit1#0', 'web:exit1#1', 'web:running#2']))).toEqual(['removeContainer web0'])
  })

  it('ends a container that a probe condemned', () => {
    const kills = new Map([['web0', { message: 'm', graceMs: 5_000 }]])
    expect(steps(pod(), observed(['web:running']), { kills })).toEqual(['kill web0 5s'])
  })

  it('waits after a failure and says until when', () => {
    const failures = new Map([['image:web', { count: 2, atMonoMs: now - 1_000, reason: 'ErrImagePull', message: '' }]])
    const s = {
      pod: pod(),
      gone: false,
      observed: observed([]),
      records: records(undefined, { failures }),
      nowMs: now,
      monoMs: now,
    }
    expect(decide(s)).toEqual({ actions: [], wakeAtMonoMs: now + 19_000 })
  })

  it('has only activeDeadlineSeconds to live', () => {
    const p = pod({ activeDeadlineSeconds: 10 })
    expect(steps(p, observed(['web:running']), { startedAtMonoMs: now - 9_000 })).toEqual([])
    expect(steps(p, observed(['web:running']), { startedAtMonoMs: now - 10_000 })).toEqual(['end'])
  })
})

describe('init containers', () => {
  const p = pod({ initContainers: [c('one'), sidecar('side'), c('two')] })
  it.each<[Sketch[], string[]]>([
    [[], ['image one']],
    [['one:running'], []],
    [['one:exit0'], ['image side']],
    [['one:exit1'], ['image one']],
    [['one:exit0', 'side:running'], ['image two']],
    [['one:exit0', 'side:running', 'two:running'], []],
    [['one:exit0', 'side:running', 'two:exit0'], ['image web']],
    [['one:exit0', 'side:exit1', 'two:running'], ['image side']],
    [['one:exit0', 'side:exit1', 'two:exit0', 'web:running'], ['image side']],
    [
      ['one:exit0', 'side:exit1', 'two:exit0', 'web:exit1'],
      ['image side', 'image web'],
    ],
    [['side:running', 'web:exit1'], ['image web']],
  ])('%j: %j', (seen, wanted) => {
    expect(steps(p, observed(seen))).toEqual(wanted)
  })

  it('a failed one ends the pod only if nothing is ever restarted', () => {
    expect(steps(pod({ initContainers: [c('one')], restartPolicy: 'Never' }), observed(['one:exit1']))).toEqual([
      'stopSandbox s0',
    ])
  })

  it('a sidecar holds up the next until its startup probe passed', () => {
    const probed = pod({ initContainers: [{ ...sidecar('side'), startupProbe: {} }] })
    expect(steps(probed, observed(['side:running']))).toEqual([])
    const probes = new Map([['side0', { started: true, ready: false }]])
    expect(steps(probed, observed(['side:running']), { probes })).toEqual(['image web'])
  })

  it('that the runtime knows no more are not run again once a later one was begun', () => {
    const three = pod({ initContainers: [c('one'), c('two'), sidecar('side'), c('three')] })
    expect(steps(three, observed(['two:running']))).toEqual([])
    expect(steps(three, observed(['three:exit1', 'side:running']))).toEqual(['image three'])
    expect(steps(three, observed(['side:running']))).toEqual(['image three'])
  })

  it('a sidecar of another definition is ended and started anew, one that only prepares is not', () => {
    const seen = observed(['one:running', 'side:running', 'web:running'])
    for (const one of seen.containers) one.annotations = { [hashAnnotation]: 'of something else' }
    const whole = { ...seen, containers: seen.containers.filter(({ name }) => name === 'side' || name === 'one') }
    const both = pod({ initContainers: [sidecar('side'), c('one')], restartPolicy: 'Never' })
    expect(steps(both, whole)).toEqual(['kill side0 30s'])
  })

  it('run again in a new sandbox, before the main containers', () => {
    const seen = observed(['one:exit0', 'web:exit137'], 'stopped')
    seen.sandboxes.push({ id: 's1', attempt: 1, state: 'ready', createdAtMs: 0, ips: [] })
    expect(steps(pod({ initContainers: [c('one')] }), seen)).toEqual(['image one'])
  })
})

describe('a pod that is to go', () => {
  const going = (spec: Partial<PodSpec> = {}) =>
    pod(spec, { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 })
  const ending = { sinceMonoMs: now - 10_000, graceMs: 30_000 }

  it('ends main containers, then sidecars from the last to the first, within one grace period', () => {
    const p = going({ initContainers: [sidecar('a'), sidecar('b')], containers: [c('web'), c('log')] })
    expect(steps(p, observed(['a:running', 'b:running', 'web:running', 'log:running']), { ending })).toEqual([
      'kill web0 20s',
      'kill log0 20s',
    ])
    expect(steps(p, observed(['a:running', 'b:running', 'web:exit0', 'log:exit0']), { ending })).toEqual([
      'kill b0 20s',
    ])
    expect(steps(p, observed(['a:running', 'b:exit0']), { ending })).toEqual(['kill a0 20s'])
    const late = { sinceMonoMs: now - 40_000, graceMs: 30_000 }
    expect(steps(p, observed(['a:running', 'web:running']), { ending: late })).toEqual(['kill web0 0s', 'kill a0 0s'])
  })

  it('runs the hooks of sidecars at once, and ends each when its hook is over and its turn has come', () => {
    const hook = { lifecycle: { preStop: { exec: { command: ['bye'] } } } }
    const p = going({ initContainers: [sidecar('a'), { ...sidecar('b'), ...hook }] })
    const all = observed(['a:running', 'b:running', 'web:running'])
    const left = observed(['a:running', 'b:running', 'web:exit0'])
    const under = { operations: new Map([['preStop:b0', { sinceMonoMs: now }]]) }
    expect(steps(p, all, { ending })).toEqual(['kill web0 20s', 'preStop b0 20s'])
    expect(steps(p, all, { ending, ...under })).toEqual(['kill web0 20s'])
    expect(steps(p, left, { ending, ...under })).toEqual([])
    expect(steps(p, left, { ending, hooked: new Set(['b0']) })).toEqual(['kill b0 20s'])
    const late = { sinceMonoMs: now - 40_000, graceMs: 30_000 }
    expect(steps(p, left, { ending: late, ...under })).toEqual(['cancel preStop:b0', 'kill a0 0s'])
    expect(steps(p, left, { ending: late, hooked: new Set(['b0']) })).toEqual(['kill b0 0s', 'kill a0 0s'])
  })

  it('looks again when the time of a hook that runs is up', () => {
    const hook = { lifecycle: { preStop: { exec: { command: ['bye'] } } } }
    const p = going({ initContainers: [{ ...sidecar('b'), ...hook }] })
    const seen = observed(['b:running', 'web:exit0'])
    const under = { operations: new Map([['preStop:b0', { sinceMonoMs: now }]]) }
    const known = records(seen, { ending, ...under })
    const at = { pod: p, gone: false, observed: seen, records: known, nowMs: now, monoMs: now }
    expect(decide(at).wakeAtMonoMs).toBe(now + 20_000)
  })

  it('is taken apart in order: sandbox, volumes, what remains, and last the API is told', () => {
    expect(steps(going(), observed(['web:exit0']), { ending })).toEqual(['stopSandbox s0'])
    expect(steps(going(), observed(['web:exit0'], 'stopped'), { ending })).toEqual(['tearDownVolumes'])
    expect(steps(going(), observed(['web:exit0'], 'stopped'), { ending, volumesReady: false })).toEqual([
      'removeSandbox s0',
    ])
    expect(steps(going(), undefined, { ending, volumesReady: false })).toEqual(['finish'])
    expect(steps(going(), undefined, { ending, volumesReady: false, cleaned: true })).toEqual([])
  })

  it('gives up what was begun for it', () => {
    const operations = new Map([
      ['image:web', { sinceMonoMs: now }],
      ['sandbox', { sinceMonoMs: now }],
    ])
    expect(steps(going(), undefined, { ending, operations, volumesReady: false })).toEqual(['cancel image:web'])
  })

  it('hastens a kill when its time was cut short', () => {
    const operations = new Map([['kill:web0', { sinceMonoMs: now, dueMonoMs: now + 20_000 }]])
    const short = { sinceMonoMs: now, graceMs: 1_000 }
    expect(steps(going(), observed(['web:running']), { ending: short, operations })).toEqual(['hasten web0 1s'])
    const same = { sinceMonoMs: now, graceMs: 20_000 }
    expect(steps(going(), observed(['web:running']), { ending: same, operations })).toEqual([])
  })

  it('that ended by itself keeps its containers for their logs, unless it is deleted', () => {
    const done = pod({ restartPolicy: 'Never' })
    expect(steps(done, observed(['web:exit0'], 'stopped'))).toEqual(['tearDownVolumes'])
    expect(steps(done, observed(['web:exit0'], 'stopped'), { volumesReady: false })).toEqual([])
  })

  it('that was refused has nothing to end', () => {
    const rejection = { reason: 'OutOfcpu', message: '' }
    expect(steps(pod(), undefined, { rejection, volumesReady: false })).toEqual([])
    expect(steps(going(), undefined, { rejection, volumesReady: false })).toEqual(['finish'])
  })
})
