import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { Cluster, optiflow } from './support/cluster.ts'
import { configMap, deployment } from './support/manifests.ts'
import { freePort, run, start, until } from './support/processes.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const path = process.env['PATH'] ?? ''

/** Ends what a failed test may have left running in the background, and takes its folder away. */
async function clearAway(folder: string, dataDirs: string[]): Promise<void> {
  for (const name of dataDirs) {
    const text = await readFile(join(folder, name, 'run.json'), 'utf8').catch(() => undefined)
    if (text) process.kill(JSON.parse(text).pid, 'SIGKILL')
  }
  await rm(folder, { recursive: true, force: true })
}

describe('the life of optiflow up', () => {
  const clusters: Cluster[] = []
  const started = async (...args: Parameters<typeof Cluster.start>) => {
    const cluster = await Cluster.start(...args)
    clusters.push(cluster)
    return cluster
  }
  afterAll(async () => {
    for (const cluster of clusters) await cluster[Symbol.asyncDispose]()
  })

  it('says what each part does, and where to go on', async () => {
    const cluster = await started()
    const out = cluster.process.out()
    for (const line of [
      /^. store +SQLite, /m,
      /^. api +https:\/\/127\.0\.0\.1:\d+$/m,
      /^. scheduler +/m,
      /^. controllers +/m,
      /^. nodes +3 simulated/m,
      /^. kubeconfig +.*\/kubeconfig, context optiflow$/m,
      /SIMULATED/,
      /kubectl --kubeconfig \S+ get nodes/,
    ])
      expect(out).toMatch(line)
    expect(out).not.toContain('\u001b[')
    expect((await stat(cluster.kubeconfig)).mode & 0o777).toBe(0o600)
    for (const secret of ['pki', 'store', 'run.json'])
      expect((await stat(join(cluster.dataDir, secret))).mode & 0o077, secret).toBe(0)
  })

  it('answers /readyz, /livez and /healthz without credentials, and little else', async () => {
    const cluster = clusters[0]!
    for (const place of ['/readyz', '/livez', '/healthz', '/readyz?verbose', '/version'])
      expect((await cluster.call('GET', place, { anonymous: true })).status, place).toBe(200)
    for (const place of ['/api', '/metrics', maps, '/openapi/v2'])
      expect([401, 403], place).toContain((await cluster.call('GET', place, { anonymous: true })).status)
    expect((await cluster.call('GET', '/docs', { anonymous: true })).text).toContain('Workload')
  })

  it('a second one on the same folder or port says so and what to do', async () => {
    const cluster = clusters[0]!
    const again = await cluster.optiflow(cluster.upArgs)
    expect(again.code).toBe(1)
    expect(again.err).toMatch(/^Error: .*in use by the process \d+\n→ .+another data folder.*\n/)
    const elsewhere = await cluster.optiflow([...cluster.upArgs, '--data-dir', join(cluster.folder, 'other')])
    expect(elsewhere.code).toBe(1)
    expect(elsewhere.err).toMatch(new RegExp(`Error: .*${cluster.port}.*\\n→ .+--listen`, 's'))
    expect(await cluster.ready()).toBe(true)
  })

  it('SIGTERM ends it cleanly: code 0, no run file, the port free', async () => {
    const cluster = clusters[0]!
    expect(existsSync(join(cluster.dataDir, 'run.json'))).toBe(true)
    await cluster.call('POST', maps, { body: configMap('kept', { a: '1' }) })
    await cluster.call('POST', '/apis/apps/v1/namespaces/default/deployments', { body: deployment('web', 3) })
    await until('three pods run', async () => {
      const { json } = await cluster.call('GET', '/apis/apps/v1/namespaces/default/deployments/web')
      return json.status?.readyReplicas === 3
    })
    const pid = cluster.process.child.pid!
    const beganMs = performance.now()
    const ended = await cluster.down()
    expect(performance.now() - beganMs).toBeLessThan(10_000)
    expect([ended.code, ended.signal, ended.err]).toEqual([0, undefined, ''])
    expect(existsSync(join(cluster.dataDir, 'run.json'))).toBe(false)
    expect(existsSync(`/proc/${pid}`)).toBe(false)
    const server = createServer().listen(cluster.port, '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
  })

  it('on the same folder it goes on: the same objects and uids, and the pods run again', async () => {
    const cluster = clusters[0]!
    await cluster.up()
    expect((await cluster.call('GET', `${maps}/kept`)).json.data).toEqual({ a: '1' })
    await until('three pods run', async () => {
      const { json } = await cluster.call('GET', '/apis/apps/v1/namespaces/default/deployments/web')
      return json.status?.readyReplicas === 3
    })
    const uids = async (list: string) =>
      (await cluster.call('GET', list)).json.items.map((i: any) => i.metadata.uid).sort()
    const lists = ['/api/v1/nodes', '/api/v1/namespaces', maps, '/apis/apps/v1/replicasets', '/api/v1/services']
    const before = await Promise.all(lists.map(uids))
    await cluster.down('SIGINT')
    await cluster.up()
    expect(await Promise.all(lists.map(uids))).toEqual(before)
    await until('three ready pods', async () => {
      const { json } = await cluster.call('GET', '/api/v1/namespaces/default/pods?labelSelector=app%3Dweb')
      const ready = json.items.filter((p: any) =>
        p.status.conditions?.some((c: any) => c.type === 'Ready' && c.status === 'True'),
      )
      return json.items.length === 3 && ready.length === 3
    })
    expect((await cluster.call('GET', '/api/v1/nodes')).json.items).toHaveLength(3)
  })

  it('killed in the midst of writes, it loses nothing that was acknowledged', async () => {
    const cluster = clusters[0]!
    for (const round of [1, 2]) {
      const acknowledged: string[] = []
      let over = false
      const writer = async (n: number) => {
        for (let i = 0; !over; i++) {
          const name = `r${round}-w${n}-${i}`
          const answer = await cluster.call('POST', maps, { body: configMap(name, { a: name }) }).catch(() => undefined)
          if (answer?.status === 201) acknowledged.push(name)
          else if (!answer) return
        }
      }
      const writers = Array.from({ length: 8 }, (_, n) => writer(n))
      await until('enough writes', () => acknowledged.length > 300, { everyMs: 5 })
      const ended = await cluster.down('SIGKILL')
      over = true
      await Promise.all(writers)
      expect(ended.signal).toBe('SIGKILL')
      await cluster.up()
      const { json } = await cluster.call('GET', maps)
      const there = new Set(json.items.map((i: any) => i.metadata.name))
      expect(acknowledged.filter(name => !there.has(name))).toEqual([])
    }
    const versions = (await cluster.call('GET', maps)).json.items.map((i: any) => Number(i.metadata.resourceVersion))
    expect(new Set(versions).size).toBe(versions.length)
  })

  it('several at once do not disturb each other', async () => {
    const two = await Promise.all([started({ nodes: 1 }), started({ nodes: 2 })])
    for (const [i, cluster] of two.entries()) {
      expect((await cluster.call('GET', '/api/v1/nodes')).json.items).toHaveLength(i + 1)
      await cluster.call('POST', maps, { body: configMap(`of-${i}`, {}) })
    }
    expect((await two[1]!.call('GET', `${maps}/of-0`)).status).toBe(404)
    const stranger = await two[0]!.credentials()
    expect(stranger.ca).not.toBe((await two[1]!.credentials()).ca)
  })
})

describe('settings of optiflow up', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'optiflow-test-'))
  })
  afterAll(() => clearAway(folder, ['from-file', 'merged', 'interrupted']))

  const env = () => ({ PATH: path, HOME: folder, NO_COLOR: '1' })

  it('come from variables and a config file; flags win', async () => {
    const port = await freePort()
    await writeFile(
      join(folder, 'config.yaml'),
      `runtime: simulated\nnodes: 7\nlisten: 127.0.0.1:1\ndata-dir: ${folder}/from-file\nkubeconfig: ${folder}/kube\n`,
    )
    const flags = ['up', '--detach', '--config', join(folder, 'config.yaml'), '--listen', `127.0.0.1:${port}`]
    const up = await run(optiflow, flags, { env: { ...env(), OPTIFLOW_NODES: '2' } })
    expect(`${up.out}${up.err}`).toContain('It goes on in the background; "optiflow down" stops it.')
    expect(up.code).toBe(0)
    const status = await run(optiflow, ['status', '--data-dir', `${folder}/from-file`], { env: env() })
    expect(status.out).toContain(`https://127.0.0.1:${port}`)
    expect(status.code).toBe(0)
    const nodes = await run(optiflow, ['get', 'nodes', '-o', 'name', '--kubeconfig', `${folder}/kube`], { env: env() })
    expect(nodes.out).toBe('node/node-1\nnode/node-2\n')
    const down = await run(optiflow, ['down', '--data-dir', `${folder}/from-file`, '--purge'], { env: env() })
    expect([down.code, down.err]).toEqual([0, ''])
    expect(existsSync(`${folder}/from-file`)).toBe(false)
  })

  it.each([
    [['--listen', 'nonsense'], '--listen: "nonsense" is not HOST:PORT'],
    [['--nodes', '-3'], '--nodes'],
    [['--store', 'oracle'], '--store: "oracle" is not sqlite, memory or etcd'],
    [['--runtime', 'docker'], '--runtime: "docker" is not one of containerd, simulated'],
    [['--colour', 'red'], "unknown option '--colour'"],
  ])('%j is refused with the reason', async (flags, reason) => {
    const up = await run(optiflow, ['up', '--runtime', 'simulated', '--data-dir', `${folder}/never`, ...flags], {
      env: env(),
    })
    expect(up.code).toBe(1)
    expect(up.err.toLowerCase()).toMatch(/^error: /)
    expect(up.err).toContain(reason)
    expect(existsSync(`${folder}/never`)).toBe(false)
  })

  it('a folder that cannot be written is an error with a hint, not a trace', async () => {
    await writeFile(join(folder, 'a-file'), '')
    const port = await freePort()
    const up = await run(
      optiflow,
      [
        'up',
        '--runtime',
        'simulated',
        '--data-dir',
        join(folder, 'a-file/data'),
        '--listen',
        `127.0.0.1:${port}`,
        '--kubeconfig',
        `${folder}/k2`,
      ],
      { env: env() },
    )
    expect(up.code).toBe(1)
    expect(up.err).toMatch(/^Error: .*a-file\/data.*\n→ .+\n/s)
    expect(up.err).not.toMatch(/^ +at /m)
  })

  it('the kubeconfig is merged: what others wrote stays, the mode is 0600, down takes ours out', async () => {
    const port = await freePort()
    await mkdir(join(folder, '.kube'))
    const file = join(folder, '.kube/config')
    const theirs = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'work', cluster: { server: 'https://work.example' } }],
      users: [{ name: 'me', user: { token: 'x' } }],
      contexts: [{ name: 'work', context: { cluster: 'work', user: 'me' } }],
      'current-context': 'work',
      extensions: [{ name: 'theirs', extension: {} }],
    }
    await writeFile(file, JSON.stringify(theirs), { mode: 0o600 })
    const data = ['--data-dir', join(folder, 'merged')]
    const up = await run(
      optiflow,
      ['up', '--detach', '--runtime', 'simulated', '--listen', `127.0.0.1:${port}`, ...data],
      { env: env() },
    )
    expect(up.code).toBe(0)
    expect(up.out).toContain('kubectl --context optiflow get nodes')
    const merged = parse(await readFile(file, 'utf8'))
    expect(merged).toMatchObject({ 'current-context': 'work', extensions: theirs.extensions })
    expect(merged.contexts.map((c: any) => c.name)).toEqual(['work', 'optiflow'])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const get = await run(optiflow, ['get', 'ns', 'default', '-o', 'name', '--context', 'optiflow'], { env: env() })
    expect(get.out).toBe('namespace/default\n')
    const down = await run(optiflow, ['down', '--purge', ...data], { env: env() })
    expect(down.code).toBe(0)
    expect(parse(await readFile(file, 'utf8'))).toEqual(theirs)
    const nothing = await run(optiflow, ['status', ...data], { env: env() })
    expect(nothing.code).toBe(1)
  })

  it('Ctrl-C while it starts in the background leaves nothing behind', async () => {
    const dataDir = join(folder, 'interrupted')
    const flags = ['--runtime', 'simulated', '--listen', `127.0.0.1:${await freePort()}`, '--data-dir', dataDir]
    const up = start(optiflow, ['up', '--detach', ...flags], { env: env() })
    const runFile = join(dataDir, 'run.json')
    const note = await until('the start to be noted', () => readFile(runFile, 'utf8').catch(() => ''), { everyMs: 5 })
    const { code, out } = await up.stop('SIGINT')
    expect([code === 0, out]).toEqual([false, expect.stringContaining('what was starting has been stopped again')])
    const { pid } = JSON.parse(note)
    await until('its process to be gone', () => !existsSync(`/proc/${pid}`))
    expect(existsSync(runFile)).toBe(false)
    expect((await run(optiflow, ['status', '--data-dir', dataDir], { env: env() })).code).toBe(1)
  })
})

const isRoot = process.getuid?.() === 0

describe.skipIf(!isRoot)('optiflow up as another user (needs root, to become one)', () => {
  it('works in a folder of its own, and says what to do about one that is not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'optiflow-test-'))
    const nobody = { uid: 65_534, gid: 65_534 }
    try {
      await chown(folder, nobody.uid, nobody.gid)
      await mkdir(join(folder, 'closed'))
      await chmod(join(folder, 'closed'), 0o755)
      const options = { env: { PATH: path, HOME: folder, NO_COLOR: '1' }, cwd: folder, ...nobody }
      const port = await freePort()
      const flags = (data: string) => [
        'up',
        '--detach',
        '--runtime',
        'simulated',
        '--listen',
        `127.0.0.1:${port}`,
        '--data-dir',
        data,
      ]
      const closed = await run(optiflow, flags(join(folder, 'closed/data')), options)
      expect(closed.code).toBe(1)
      expect(closed.err).toMatch(/^Error: .*closed\/data.*\n→ .+\n/s)
      const up = await run(optiflow, flags(join(folder, 'own')), options)
      expect(`${up.err}${up.out}`).toContain('It goes on in the background')
      expect((await run(optiflow, ['get', 'nodes', '-o', 'name'], options)).code).toBe(0)
      const down = await run(optiflow, ['down', '--purge', '--data-dir', join(folder, 'own')], options)
      expect([down.code, down.err]).toEqual([0, ''])
    } finally {
      await clearAway(folder, ['own'])
    }
  })
})
