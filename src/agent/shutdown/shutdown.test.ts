import { afterEach, describe, expect, it } from 'vitest'
import type { Commands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { Node } from '../../models/kinds/core/node.ts'
import { Fixture } from '../testing/fixture.ts'
import { isShutdown, ShutdownInhibitor } from './inhibitor.ts'
import { shutdownOrder, shutdownSteps } from './plan.ts'

let fixture: Fixture | undefined
afterEach(() => fixture?.[Symbol.asyncDispose]())

describe('a machine that goes down', () => {
  it('ends its pods by priority, each within its time', () => {
    const pod = (name: string, priority?: number) => ({
      pod: { metadata: { name }, spec: { priority } } as never,
      name,
    })
    const pods = [pod('plain'), pod('below', -5), pod('high', 100_000), pod('critical', 2_000_000_001)]
    const names = (steps: Parameters<typeof shutdownOrder>[1]) =>
      shutdownOrder(pods, steps).map(({ graceMs, those }) => [graceMs, ...those.map(t => t.name)])
    expect(names(shutdownSteps(30_000, 10_000))).toEqual([
      [20_000, 'plain', 'below', 'high'],
      [10_000, 'critical'],
    ])
    expect(
      names([
        { priority: 100_000, graceMs: 5_000 },
        { priority: 0, graceMs: 1_000 },
        { priority: 10, graceMs: 9_000 },
      ]),
    ).toEqual([
      [1_000, 'plain', 'below'],
      [5_000, 'high', 'critical'],
    ])
  })

  it('tells so, waits for the less important, and takes no new pod', async () => {
    const f = (fixture = await new Fixture({ shutdown: { steps: shutdownSteps(30_000, 10_000) } }).start())
    const slow = { 'stop-delay': '5s' }
    await f.run('app', {}, slow)
    await f.run('core', { priority: 2_000_000_000 })
    const down = f.agent.shutDown()
    await f.advance(2_000)
    const phase = (name: string) => f.pod(name)!.status!.phase
    expect([phase('app'), phase('core')]).toEqual(['Running', 'Running'])
    expect(f.api.find(Node, { name: 'node-1' })!.status!.conditions!.find(c => c.type === 'Ready')).toMatchObject({
      status: 'False',
      message: 'node is shutting down',
    })
    expect((await f.run('late')).status).toMatchObject({
      phase: 'Failed',
      reason: 'NodeShutdown',
      message: 'Pod was rejected as the node is shutting down.',
    })
    await f.advance(20_000)
    await down
    for (const name of ['app', 'core'])
      expect(f.pod(name)!.status).toMatchObject({
        phase: 'Failed',
        reason: 'Terminated',
        message: 'Pod was terminated in response to imminent node shutdown.',
      })
    expect(f.pod('core')!.status!.conditions!.find(c => c.type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'TerminationByKubelet',
    })
  })
})

describe('systemd', () => {
  it.each([
    ['{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[true]}}', true],
    ['{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[false]}}', false],
    ['{"type":"signal","member":"PrepareForSleep","payload":{"type":"b","data":[true]}}', false],
    ['Monitoring bus message stream.', false],
  ])('says whether the machine goes down: %s', (line, wanted) => expect(isShutdown(line)).toBe(wanted))

  it('is asked to wait long enough, told of, and let go', async () => {
    const calls: string[] = []
    const written: string[] = []
    let say: ((line: string, from: 'stdout') => void) | undefined
    const commands: Commands = {
      run: async (file, args) => {
        calls.push([file, ...args].join(' '))
        return { code: 0, stdout: 't 5000000\n', stderr: '' }
      },
      spawn: (file, args, options) => {
        calls.push([file, args[0]].join(' '))
        if (file === 'busctl') say = options!.onLine
        return { pid: 1, kill: () => calls.push(`end ${file}`), exited: new Promise(() => {}) }
      },
    }
    const disk = {
      ...systemDisk,
      exists: async () => true,
      write: async (path: string, text: string | Uint8Array) => void written.push(`${path} ${text}`),
    }
    let heard = 0
    const inhibitor = new ShutdownInhibitor({
      disk,
      commands,
      log: silentLogger,
      graceMs: 30_000,
      onShutdown: () => heard++,
    })
    expect(await inhibitor.begin()).toBe(true)
    say!('{"member":"PrepareForShutdown","payload":{"data":[true]}}', 'stdout')
    inhibitor.release()
    expect(heard).toBe(1)
    expect(written).toEqual(['/etc/systemd/logind.conf.d/99-optiflow.conf [Login]\nInhibitDelayMaxSec=30\n'])
    expect(calls).toEqual([
      expect.stringContaining('InhibitDelayMaxUSec'),
      'systemctl kill --signal=HUP systemd-logind',
      'busctl --system',
      'systemd-inhibit --what=shutdown',
      'end systemd-inhibit',
      'end busctl',
    ])
  })
})
