import { afterEach, describe, expect, it } from 'vitest'
import { Pod } from '../../models/kinds/core/pod.ts'
import type { Container, ResourceRequirements } from '../../models/types/core-v1.ts'
import { container, Fixture } from '../testing/fixture.ts'

let fixture: Fixture
afterEach(() => fixture[Symbol.asyncDispose]())

const sized = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
})
/** What the runtime was told last, of the newest container. */
const given: Record<string, unknown>[] = []

async function start(more: Partial<Container> = {}): Promise<Fixture> {
  fixture = new Fixture({ simulated: { capacity: { cpu: '2', memory: '2Gi' } } })
  given.length = 0
  const { runtime } = fixture
  const update = runtime.updateResources.bind(runtime)
  runtime.updateResources = (id, resources) => {
    given.push({ cpu: resources.cpuQuotaMicros, memory: resources.memoryLimitBytes })
    return update(id, resources)
  }
  await fixture.start()
  await fixture.run('web', { containers: [container('web', { resources: sized('500m', '512Mi'), ...more })] })
  return fixture
}

/** As the pods/resize subresource writes it. */
async function resize(name: string, resources: ResourceRequirements): Promise<void> {
  const pod = fixture.pod(name)!
  const [first, ...rest] = pod.spec.containers
  await fixture.api.client.update<Pod>(Pod, {
    ...pod,
    spec: { ...pod.spec, containers: [{ ...first!, resources }, ...rest] },
    status: { ...pod.status, resize: 'Proposed' },
  })
  await fixture.advance(500)
}
/** Containers are not started until `go`. */
function holdStart(): { go(): void } {
  const { runtime } = fixture
  const begin = runtime.start.bind(runtime)
  let go!: () => void
  const free = new Promise<void>(resolve => {
    go = resolve
  })
  runtime.start = async (sandbox, spec) => {
    await free
    return begin(sandbox, spec)
  }
  return { go }
}
const status = (name = 'web') => fixture.pod(name)!.status!
const told = (name = 'web') => {
  const { containerStatuses, resize } = status(name)
  const [{ resources, allocatedResources, restartCount } = { restartCount: -1 }] = containerStatuses!
  return { resize, resources, allocatedResources, restartCount }
}

describe('a container that is given other resources', () => {
  it('gets them in place, and its status tells how far it is', async () => {
    await start()
    expect(told()).toEqual({
      resize: undefined,
      resources: sized('500m', '512Mi'),
      allocatedResources: { cpu: '500m', memory: '512Mi' },
      restartCount: 0,
    })
    await resize('web', sized('1', '1Gi'))
    expect(given).toEqual([{ cpu: 100_000, memory: 2 ** 30 }])
    expect(told()).toEqual({
      resize: undefined,
      resources: sized('1', '1Gi'),
      allocatedResources: { cpu: '1', memory: '1Gi' },
      restartCount: 0,
    })
  })

  it('is restarted again and again without a wait, and the resize goes on until it runs', async () => {
    const f = await start({ resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] })
    const seen: string[] = []
    const look = () => {
      const { resize = 'none' } = status()
      const [{ state, restartCount } = { state: {}, restartCount: -1 }] = status().containerStatuses!
      seen.push(`${resize}, ${Object.keys(state ?? {}).join()}, ${restartCount} restarts`)
    }
    for (const memory of ['1Gi', '512Mi', '768Mi']) {
      const starts = holdStart()
      await resize('web', sized('500m', memory))
      await f.advance(1_000)
      look()
      starts.go()
      await f.advance(1_000)
      look()
    }
    expect(seen).toEqual([
      'InProgress, waiting, 0 restarts',
      'none, running, 1 restarts',
      'InProgress, waiting, 1 restarts',
      'none, running, 2 restarts',
      'InProgress, waiting, 2 restarts',
      'none, running, 3 restarts',
    ])
  })

  it('is restarted for them if it asks for that, by what changed', async () => {
    const f = await start({
      resizePolicy: [
        { resourceName: 'cpu', restartPolicy: 'NotRequired' },
        { resourceName: 'memory', restartPolicy: 'RestartContainer' },
      ],
    })
    await resize('web', sized('1', '512Mi'))
    expect(told()).toMatchObject({ restartCount: 0, resources: sized('1', '512Mi') })
    await resize('web', sized('1', '1Gi'))
    await f.advance(2_000)
    expect(told()).toMatchObject({ resize: undefined, restartCount: 1, resources: sized('1', '1Gi') })
    expect(f.events()).toContain('Killing: Container web resize requires restart')
    expect(given).toHaveLength(1)
  })

  it('keeps what it has when the node can never give so much', async () => {
    await start()
    await resize('web', sized('3', '512Mi'))
    expect(told()).toMatchObject({ resize: 'Infeasible', resources: sized('500m', '512Mi') })
    await resize('web', sized('500m', '512Mi'))
    expect(told().resize).toBeUndefined()
    expect(given).toEqual([])
  })

  it('waits while others have what it asks for, and gets it when they are gone', async () => {
    const f = await start()
    await f.run('other', { containers: [container('o', { resources: sized('1', '1Gi') })] })
    await resize('web', sized('1500m', '512Mi'))
    expect(told()).toMatchObject({ resize: 'Deferred', resources: sized('500m', '512Mi') })
    await f.api.client.delete(Pod, { namespace: 'default', name: 'other' }, { gracePeriodSeconds: 0 })
    await f.advance(8_000)
    expect(told()).toMatchObject({ resize: undefined, resources: sized('1500m', '512Mi') })
  })

  it('is seen as in progress until the runtime has done it', async () => {
    const f = await start()
    const refused = f.runtime.updateResources
    f.runtime.updateResources = async () => {
      throw new Error('the kernel is busy')
    }
    await resize('web', sized('1', '1Gi'))
    expect(told()).toMatchObject({
      resize: 'InProgress',
      resources: sized('500m', '512Mi'),
      allocatedResources: { cpu: '1', memory: '1Gi' },
    })
    expect(f.events()).toContain('ResizeError: Error resizing container web: the kernel is busy')
    f.runtime.updateResources = refused
    await f.advance(2_000)
    expect(told()).toMatchObject({ resize: undefined, resources: sized('1', '1Gi') })
  })

  it('has them still, and is not touched, when the agent is replaced', async () => {
    const f = await start()
    await resize('web', sized('1', '1Gi'))
    await f.restartAgent()
    await f.advance(2_000)
    expect(told()).toMatchObject({ resize: undefined, resources: sized('1', '1Gi'), restartCount: 0 })
  })
})
