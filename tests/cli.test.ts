import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Cluster, optiflow as program } from './support/cluster.ts'
import { configMap, pod, workload } from './support/manifests.ts'
import { start, until } from './support/processes.ts'

describe('optiflow’s own commands', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await Cluster.start()
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  /** Runs a command that must succeed. */
  const ok = async (args: string[], stdin?: string) => {
    const ended = await cluster.optiflow(args, stdin === undefined ? {} : { stdin })
    if (ended.code !== 0)
      throw new Error(`optiflow ${args.join(' ')} ended with ${ended.code}\n${ended.out}${ended.err}`)
    return ended.out
  }
  const fails = async (...args: string[]) => {
    const { code, err } = await cluster.optiflow(args)
    expect(code).toBe(1)
    return err
  }

  it('run starts an app and waits for it', async () => {
    const out = await ok(['run', 'web', '--image', 'example/web:1', '--replicas', '2', '--port', '80'])
    expect(out).toMatch(/web/)
    await until('it is ready', async () => /^web +2\/2 /m.test(await ok(['get', 'workloads'])))
  })

  it('get prints as kubectl does, in each form', async () => {
    expect(
      (await ok(['get', 'deploy', 'web']))
        .split('\n')[0]!
        .trim()
        .split(/\s{2,}/),
    ).toEqual(['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE'])
    expect(await ok(['get', 'nodes', '-o', 'name'])).toBe('node/node-1\nnode/node-2\nnode/node-3\n')
    expect(await ok(['get', 'pods', '-o', 'wide'])).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE/)
    expect(JSON.parse(await ok(['get', 'deploy', 'web', '-o', 'json'])).spec.replicas).toBe(2)
    expect(parse(await ok(['get', 'deploy', 'web', '-o', 'yaml'])).kind).toBe('Deployment')
    expect(JSON.parse(await ok(['get', 'pods', '-o', 'json'])).items).toHaveLength(2)
  })

  it('get --as-of, history and blame tell what was', async () => {
    const before = JSON.parse(await ok(['get', 'deploy', 'web', '-o', 'json'])).metadata.resourceVersion
    const file = await cluster.file('more.json', JSON.stringify(configMap('past', { colour: 'red' })))
    await ok(['apply', '-f', file])
    await cluster.file('more.json', JSON.stringify(configMap('past', { colour: 'blue' })))
    await ok(['apply', '-f', file])
    await ok(['delete', 'configmap', 'past'])
    expect(await fails('get', 'configmap', 'past')).toContain('NotFound')
    const told = await ok(['history', 'configmap/past'])
    expect(told.split('\n')[0]).toMatch(/^REVISION +TIME +AGE +BY +USER +CHANGE$/)
    expect(told).toMatch(/data.colour: red → blue/)
    const revisions = told
      .split('\n')
      .slice(1)
      .map(line => line.split(' ')[0]!)
    expect(JSON.parse(await ok(['get', 'configmap', 'past', '--as-of', revisions[1]!, '-o', 'json'])).data).toEqual({
      colour: 'blue',
    })
    expect(await ok(['get', 'configmaps', '--as-of', revisions[2]!])).toMatch(/^past /m)
    expect(await ok(['get', 'deploy', '--as-of', before])).toMatch(/^web /m)
    expect(await ok(['blame', 'deploy/web', 'spec.replicas'])).toMatch(/^spec.replicas +2 /m)
    expect(await fails('blame', 'deploy/web', 'spec.nonsense')).toContain('no field')
    const gone = await cluster.optiflow(['blame', 'configmap/past', 'data.colour'])
    expect([gone.code, gone.out]).toEqual([0, expect.stringMatching(/^data.colour +blue .* +\d+$/m)])
    expect(gone.err).toMatch(/^configmap\/past was deleted \S+ ago by .*, revision \d+; it was:\n$/)
    expect(await fails('blame', 'configmap/never')).toContain('NotFound')
  })

  it('why explains whatever there is', async () => {
    const claim = {
      ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } },
      spec: {
        storageClassName: 'nowhere',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
      },
    }
    await ok(['apply', '-f', '-'], JSON.stringify(claim))
    expect(await ok(['why', 'pvc/data'])).toContain(
      'PersistentVolumeClaim default/data: it is Pending\n\n✖ there is no StorageClass nowhere (spec.storageClassName)\n',
    )
    expect(await ok(['why', 'deploy/web'])).toMatch(
      /^Deployment default\/web: 2 of 2 replicas are available\n\nNothing is amiss with its pods \(2\)\. .*optiflow why pod\/web-/,
    )
    const { pod, summary } = JSON.parse(await ok(['why', 'workload/web', '-o', 'json']))
    expect([pod.kind, pod.state, summary]).toEqual(['PodExplanation', 'Placed', expect.stringMatching(/^it is /)])
    expect(await ok(['why', 'node/node-1'])).toBe('Node node-1: it is ready\n')
    expect(await fails('why', 'deploy/nobody')).toContain('"nobody" not found')
    await ok(['delete', 'pvc', 'data'])
  })

  it('what is not there is said, with exit code 1', async () => {
    expect(await fails('get', 'pod', 'nobody')).toBe('Error from server (NotFound): pods "nobody" not found\n')
    expect(await fails('get', 'spaceships')).toMatch(/^Error: .*spaceships/)
    expect(await fails('get', 'deploi')).toMatch(/deploy/)
    expect(await fails('delete', 'workload', 'nobody')).toContain('"nobody" not found')
    expect(await fails('apply', '-f', '/nowhere.yaml')).toContain('/nowhere.yaml')
    expect(await fails('get', 'pods', '-o', 'hologram')).toContain('hologram')
    expect(await fails('dance')).toContain("unknown command 'dance'")
  })

  it('apply creates, changes and leaves be', async () => {
    const file = await cluster.file('shop.json', JSON.stringify(workload('shop', 1)))
    expect(await ok(['apply', '-f', file])).toBe('workload.optiflow.dev/shop created\n')
    expect(await ok(['apply', '-f', file])).toBe('workload.optiflow.dev/shop unchanged\n')
    expect(await ok(['apply', '-f', '-'], JSON.stringify(workload('shop', 2)))).toBe(
      'workload.optiflow.dev/shop configured\n',
    )
    const several = `${JSON.stringify(configMap('one', {}))}\n---\n${JSON.stringify(configMap('two', {}))}\n`
    expect(await ok(['apply', '-f', '-'], several)).toBe('configmap/one created\nconfigmap/two created\n')
    const bad = await cluster.optiflow(['apply', '-f', '-'], {
      stdin: JSON.stringify({ ...workload('bad'), spec: { imagee: 'x' } }),
    })
    expect([bad.code, bad.err]).toEqual([1, expect.stringMatching(/imagee/)])
  })

  it('describe, events and logs tell what happens', async () => {
    const describe = await ok(['describe', 'workload', 'web'])
    expect(describe).toMatch(/web/)
    expect(describe).toMatch(/example\/web:1/)
    expect(await ok(['events'])).toMatch(/Scheduled/)
    await ok(['apply', '-f', '-'], JSON.stringify(pod('talker', { log: 'hello', 'log-every': '100ms' })))
    await until('its words', async () => /^hello\n/.test(await ok(['logs', 'talker'])))
    const following = start(program, ['logs', '-f', 'talker'], { env: cluster.env })
    await until('more', () => following.out().includes('line 5'))
    await following.stop('SIGINT')
    expect(await fails('logs', 'nobody')).toContain('"nobody" not found')
  })

  it('exec runs a program, passes input on to its end, and ends as it did', async () => {
    expect(await ok(['exec', 'workload/web', '--', 'hostname'])).toMatch(/^web-/)
    expect(await ok(['exec', '-i', 'talker', '--', 'cat'], 'to the end\n')).toBe('to the end\n')
    const failed = await cluster.optiflow(['exec', 'pod/talker', '--', 'sh', '-c', 'echo no >&2; exit 3'])
    expect(failed).toMatchObject({ code: 3, out: '', err: 'no\ncommand terminated with exit code 3\n' })
    expect(await fails('exec', 'nobody', '--', 'date')).toBe('Error from server (NotFound): pods "nobody" not found\n')
    expect(await fails('exec', 'talker', '-c', 'none', '--', 'date')).toContain('container none is not valid')
  })

  it('port-forward brings a Workload’s port here, and says what cannot be', async () => {
    const forward = start(program, ['port-forward', 'workload/web', ':80'], { env: cluster.env })
    await until('it listens', () => forward.out().includes('-> 80\n'))
    const port = /Forwarding from 127\.0\.0\.1:(\d+) -> 80/.exec(forward.out())?.[1]
    for (const _ of [1, 2]) expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toMatch(/web-.* port 80/)
    expect(await fails('port-forward', 'workload/web', `${port}:80`)).toContain(`port ${port} of 127.0.0.1 is in use`)
    expect(await fails('port-forward', 'workload/web', 'grpc')).toContain('calls a port "grpc"')
    expect((await forward.stop('SIGINT')).code).toBe(0)
  })

  it('scale and top', async () => {
    expect(await ok(['scale', 'workload/web', '--replicas', '3'])).toBe('workload.optiflow.dev/web scaled\n')
    await until('there are three', async () => /^web +3\/3 /m.test(await ok(['get', 'workloads'])))
    expect(await fails('scale', 'pod/talker', '--replicas', '2')).toContain('pods cannot be scaled')
    const used = await ok(['top', 'pods', '--sort-by', 'cpu'])
    expect(used).toMatch(/^NAME +CPU\(cores\) +MEMORY\(bytes\)\n(.+m +\d+Mi\n)+$/)
    expect(used.match(/^web-/gm)).toHaveLength(3)
    expect(await ok(['top', 'nodes'])).toMatch(/^NAME +CPU.*\n(node-\d +\d+m +\d+% +\d+Mi +\d+%\n){3}$/)
    expect(await fails('top', 'services')).toContain('"top pods" or "top nodes"')
  })

  it('service registers what runs outside, tells how it does, and takes it out', async () => {
    expect(await ok(['service', 'list'])).toBe('No services are registered in default.\n')
    const registered = await ok([
      'service',
      'register',
      'db',
      '--address',
      '192.0.2.5:5432',
      '--address',
      '192.0.2.6:5432',
    ])
    expect(registered).toBe('serviceregistration/db registered: found as db.default\n')
    expect(await ok(['service', 'list'])).toMatch(/^db +192\.0\.2\.5:5432 +unchecked/m)
    await until('its Service', async () => /^db +ClusterIP .* 5432\/TCP/m.test(await ok(['get', 'services'])))
    expect(await fails('service', 'register', 'bad', '--address', 'db.test:1')).toContain(
      'must be an IP address and a port',
    )
    expect(await fails('service', 'register', 'bad', '--address', '192.0.2.5:1', '--check', 'ping')).toContain(
      '--check ping',
    )
    for (const flag of ['--port', '--interval'])
      expect(
        await fails('service', 'register', 'bad', '--address', '192.0.2.5:1', '--check', 'tcp', flag, '1O'),
      ).toContain(`${flag} 1O is no whole number`)
    expect(await ok(['service', 'deregister', 'db'])).toBe('serviceregistration/db deregistered\n')
    await until('it is gone', async () => !/^db /m.test(await ok(['get', 'services'])))
  })

  it('status tells whether all is well', async () => {
    const status = await ok(['status', '--data-dir', cluster.dataDir])
    expect(status).toContain(cluster.url)
    expect(status).toMatch(/3/)
  })

  it('delete takes it all away', async () => {
    expect(await ok(['delete', 'workload', 'web'])).toMatch(/^workload(\.optiflow\.dev)? "?\/?web"? deleted\n$/)
    await until('its pods are gone', async () => !/web-/.test(await ok(['get', 'pods', '-o', 'name'])))
  })

  it('rollout tells how far a canary is, lets it go on, gives it up, and tries again', async () => {
    const bakery = (image: string) => ({
      ...{ apiVersion: 'optiflow.dev/v1', kind: 'Workload', metadata: { name: 'bakery' } },
      spec: { image, replicas: 2, update: { canary: { steps: [{ replicas: 1 }] } } },
    })
    const apply = (image: string) => ok(['apply', '-f', '-'], JSON.stringify(bakery(image)))
    const waits = (text: string) => until(text, async () => (await ok(['rollout', 'status', 'bakery'])).includes(text))
    await apply('example/bakery:1')
    await waits('workload.optiflow.dev/bakery 2 of 2 ready')
    expect(await fails('rollout', 'promote', 'bakery')).toContain('no canary of bakery waits: 2 of 2 ready')
    await apply('example/bakery:2')
    await waits('canary step 1 of 1: 1 of 2 pods runs example/bakery:2; waits for "optiflow rollout promote bakery"')
    expect(await ok(['rollout', 'abort', 'wl/bakery'])).toContain('aborted: what worked before runs again')
    await waits('2 of 2 ready; rolled back, example/bakery:2 was aborted')
    expect(await ok(['rollout', 'retry', 'bakery'])).toBe('workload.optiflow.dev/bakery is tried again\n')
    await waits('canary step 1 of 1: 1 of 2 pods runs example/bakery:2; waits')
    expect(await ok(['rollout', 'promote', 'workload/bakery'])).toContain('promoted: all pods are replaced')
    await waits('workload.optiflow.dev/bakery 2 of 2 ready\n')
    expect(await fails('rollout', 'status', 'deploy/bakery')).toContain('"deploy/bakery" is no Workload')
    await ok(['delete', 'workload', 'bakery'])
  })

  it('run --once waits for the end and tells how it was, --schedule when it is due', async () => {
    const running = cluster.optiflow(['run', 'task', '--image', 'example/task:1', '--once', '--wait'])
    await until('it runs', async () => (await cluster.optiflow(['rollout', 'status', 'task'])).out.includes('1 active'))
    expect(await fails('rollout', 'retry', 'task')).toContain('nothing of task was given up')
    const spec = { image: 'example/task:1', job: { activeDeadlineSeconds: 1 } }
    const task = { apiVersion: 'optiflow.dev/v1', kind: 'Workload', metadata: { name: 'task' }, spec }
    await ok(['apply', '-f', '-'], JSON.stringify(task))
    const { code, out, err } = await running
    expect([code, out]).toEqual([1, 'workload.optiflow.dev/task created\n'])
    expect(err).toContain('workload task failed: Job was active longer than specified deadline')
    await ok(['run', 'nightly', '--image', 'example/task:1', '--schedule', '0 3 * * *', '--time-zone', 'Europe/Berlin'])
    await until('it is due', async () => (await ok(['rollout', 'status', 'nightly'])).includes('next run at '))
    expect(await fails('run', 'both', '--image', 'i', '--once', '--schedule', '@daily')).toContain('exclude each other')
  })

  it('help and version answer with code 0', async () => {
    expect(await ok(['--help'])).toMatch(/^Usage: optiflow/)
    expect(await ok(['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/)
    for (const command of [
      'up',
      'down',
      'status',
      'apply',
      'run',
      'get',
      'describe',
      'logs',
      'delete',
      'events',
      'server',
      'agent',
    ])
      expect(await ok([command, '--help'])).toMatch(new RegExp(`^Usage: optiflow ${command}`))
    const [client, server] = (await ok(['version'])).split('\n')
    expect(client).toMatch(/^optiflow {2}\d+\.\d+\.\d+ \(Kubernetes API v1\.32\.\d+, Node \d+\./)
    expect(server).toMatch(/^server {4}v1\.32\.\d+\+optiflow$/)
    expect(JSON.parse(await ok(['version', '-o', 'json'])).server.minor).toBe('32')
    expect(await ok(['version', '--client', '--server', 'https://127.0.0.1:1'])).toBe(`${client}\n`)
    expect(await fails('version', '-o', 'yaml')).toContain('"yaml" is not json')
  })

  it('a server that is gone is said in one line with a hint', async () => {
    const { code, err } = await cluster.optiflow(['get', 'pods', '--server', 'https://127.0.0.1:1'])
    expect(code).toBe(1)
    expect(err).toMatch(/^Error: .*127\.0\.0\.1:1/)
    expect(err.split('\n').length).toBeLessThan(5)
  })
})
