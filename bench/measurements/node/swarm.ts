import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { busyboxImage } from '../../../src/runtime/testing/containerd-bench.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { pause } from '../../support/statistics.ts'

const run = promisify(execFile)
/** So many replicas more at once, so many times. */
const steps: readonly [width: number, times: number][] = [
  [1, 6],
  [8, 3],
  [32, 1],
]

/** A service of Docker Swarm that grows by 1, 8 and 32 replicas at once, beside our pods of the same run with as many in flight. */
export async function* swarm(ours: ReadonlyMap<number, number>): AsyncIterable<Row> {
  // A folder with dockerd and docker-init, such as one that a package was unpacked to.
  const folder = process.env['BENCH_DOCKERD']
  const program = folder ? join(folder, 'dockerd') : 'dockerd'
  const missing = [program, 'docker', 'containerd'].filter(
    name => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  )
  if (missing.length) {
    const note = `${missing.join(', ')} not found: install docker.io, or name a folder with dockerd in BENCH_DOCKERD`
    yield { what: 'Docker Swarm', value: 'not measured', note }
    return
  }
  await using docker = await startDocker(program, folder)
  await docker.swarm()
  let replicas = 1
  await docker.running(replicas)
  for (const [width, times] of steps) {
    let ms = 0
    for (let i = 0; i < times; i++) {
      const began = performance.now()
      await docker.run('service', 'scale', '-d', `many=${(replicas += width)}`)
      await docker.running(replicas)
      ms += performance.now() - began
    }
    const theirs = (1000 * width * times) / ms
    const mine = ours.get(width)!
    yield {
      what: `beside Docker Swarm, ${width} at once`,
      value: `${rounded(mine, 1)}/s; Swarm ${rounded(theirs, 1)}/s (${rounded(mine / theirs, 1)} times)`,
      goal: '≥ 2 times',
      reached: mine / theirs >= 2,
      note: `Swarm: ${times} × ${width} replicas more of a service, the image present`,
    }
  }
}

/** A dockerd of its own, in a network namespace and with a folder of its own, so that it disturbs no other. */
async function startDocker(program: string, binFolder: string | undefined) {
  const folder = mkdtempSync('/tmp/optiflow-docker-')
  const namespace = `ofdocker${process.pid}`
  const inside = [`--net=/run/netns/${namespace}`]
  const host = `unix://${folder}/docker.sock`
  writeFileSync(join(folder, 'daemon.json'), '{}')
  await run('ip', ['netns', 'add', namespace])
  await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up'])
  // Swarm wants an address that others could reach it by.
  await run('ip', ['-n', namespace, 'addr', 'add', '10.219.250.1/32', 'dev', 'lo'])
  const daemon = spawn(
    'nsenter',
    [
      ...[...inside, program, '--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`],
      ...['-H', host, '--pidfile', `${folder}/pid`, '--config-file', `${folder}/daemon.json`],
      ...['--bip', '10.219.240.1/24', '--storage-driver', 'overlay2', '--iptables=false'],
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: `${binFolder ? `${binFolder}:` : ''}${process.env['PATH']}` },
    },
  )
  let said = ''
  daemon.stderr.on('data', chunk => {
    said = `${said}${chunk}`.slice(-4_000)
  })
  const ended = once(daemon, 'exit')
  const docker = async (...args: string[]) => (await run('docker', ['-H', host, ...args])).stdout
  const end = async () => {
    await docker('service', 'rm', 'many').catch(() => {})
    await docker('swarm', 'leave', '--force').catch(() => {})
    for (const id of (await docker('ps', '-aq').catch(() => '')).split('\n').filter(Boolean))
      await docker('rm', '-f', id).catch(() => {})
    daemon.kill('SIGTERM')
    await ended
    await run('ip', ['netns', 'del', namespace])
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    for (const limit = performance.now() + 30_000; ; await pause(100)) {
      if (await docker('info').catch(() => undefined)) break
      if (performance.now() > limit || daemon.exitCode !== null) throw new Error(`dockerd does not answer: ${said}`)
    }
  } catch (error) {
    await end()
    throw error
  }
  return {
    run: docker,
    async swarm() {
      const tarFile = join(folder, 'busybox.tar')
      writeFileSync(tarFile, (await busyboxImage()).layers[0]!.bytes)
      await docker('import', tarFile, 'bench:1')
      await docker('swarm', 'init', '--advertise-addr', '10.219.250.1')
      const create = ['service', 'create', '-q', '-d', '--name', 'many', '--replicas', '1', '--no-resolve-image']
      await docker(...create, 'bench:1', '/bin/sleep', '100000')
    },
    async running(count: number) {
      for (const limit = performance.now() + 120_000; ; await pause(50)) {
        const out = await docker('service', 'ls', '--format', '{{.Replicas}}')
        if (out.trim() === `${count}/${count}`) return
        if (performance.now() > limit) throw new Error(`Swarm does not get to ${count} replicas: ${out}\n${said}`)
      }
    },
    [Symbol.asyncDispose]: end,
  }
}
