import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemCommands } from '../../../src/base/commands.ts'
import { systemDisk } from '../../../src/base/disk.ts'
import { demoRegistryHost, openDemoRegistry } from '../../../src/main/demo-image.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { pause } from '../../support/statistics.ts'

const run = promisify(execFile)
const replicas = 24

/** A service of Docker Swarm scaled from none to many, beside our pods of the same run, 32 in flight. */
export async function* swarm(ours: ReadonlyMap<number, number>): AsyncIterable<Row> {
  if (spawnSync('ip', ['link', 'show', 'docker0']).status === 0) {
    yield {
      what: 'Docker Swarm',
      value: 'not measured',
      note: "this machine's own Docker is in use: it would be disturbed",
    }
    return
  }
  const missing = ['dockerd', 'docker'].filter(name => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  if (missing.length) {
    yield { what: 'Docker Swarm', value: 'not measured', note: `${missing.join(', ')} is not on PATH` }
    return
  }
  await using registry = await openDemoRegistry(systemDisk, systemCommands, 0)
  await using docker = await startDocker(registry.address)
  const image = `${registry.address}/hello:1`
  await docker.run('pull', '-q', image)
  await docker.run('swarm', 'init', '--advertise-addr', '127.0.0.1')
  const create = ['service', 'create', '-q', '-d', '--name', 'many', '--replicas', '1', '--no-resolve-image']
  await docker.run(...create, image, '/bin/sleep', '100000')
  const running = async (count: number) => {
    for (const end = performance.now() + 120_000; ; await pause(50)) {
      const out = await docker.run('service', 'ls', '--format', '{{.Replicas}}')
      if (out.trim() === `${count}/${count}`) return
      if (performance.now() > end) throw new Error(`Swarm does not get to ${count} replicas: ${out}`)
    }
  }
  await running(1)
  const began = performance.now()
  await docker.run('service', 'scale', '-d', `many=${replicas + 1}`)
  await running(replicas + 1)
  const theirs = (1000 * replicas) / (performance.now() - began)
  const mine = ours.get(32)!
  yield {
    what: 'beside Docker Swarm',
    value: `${rounded(mine, 1)}/s; Swarm ${rounded(theirs, 1)}/s (${rounded(mine / theirs, 1)} times)`,
    goal: '≥ 2 times',
    reached: mine / theirs >= 2,
    note: `Swarm: ${replicas} replicas more of a service, the image present (${demoRegistryHost} as ${registry.address})`,
  }
}

/** A dockerd of its own, with a folder of its own for all that it keeps. */
async function startDocker(registry: string) {
  const folder = mkdtempSync('/tmp/optiflow-docker-')
  const host = `unix://${folder}/docker.sock`
  writeFileSync(join(folder, 'daemon.json'), JSON.stringify({ 'insecure-registries': [registry] }))
  const daemon = spawn(
    'dockerd',
    [
      ...['--data-root', `${folder}/data`, '--exec-root', `${folder}/exec`, '-H', host, '--pidfile', `${folder}/pid`],
      ...['--config-file', `${folder}/daemon.json`, '--bip', '10.219.240.1/24', '--storage-driver', 'overlay2'],
      // Its rules would stay, and its default for what is forwarded is to drop it.
      '--iptables=false',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  daemon.stderr.on('data', chunk => {
    said += chunk
  })
  const ended = once(daemon, 'exit')
  const docker = async (...args: string[]) => (await run('docker', ['-H', host, ...args])).stdout
  const end = async () => {
    daemon.kill('SIGTERM')
    await ended
    for (const bridge of ['docker0', 'docker_gwbridge']) spawnSync('ip', ['link', 'delete', bridge])
    rmSync(folder, { recursive: true, force: true })
  }
  for (const limit = performance.now() + 30_000; ; await pause(100)) {
    if (await docker('info').catch(() => undefined)) break
    if (performance.now() < limit && daemon.exitCode === null) continue
    await end()
    throw new Error(`dockerd does not answer: ${said.slice(-1000)}`)
  }
  return {
    run: docker,
    async [Symbol.asyncDispose]() {
      await docker('service', 'rm', 'many').catch(() => {})
      await docker('swarm', 'leave', '--force').catch(() => {})
      await end()
    },
  }
}
