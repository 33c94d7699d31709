import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ContainerSecurity, ContainerSpec, Runtime, SandboxSpec } from '../runtime.ts'
import { type ContainerdBench, openContainerdBench } from '../testing/containerd-bench.ts'
import { containerSpec, podSpec } from '../testing/specs.ts'

let bench: ContainerdBench
let runtime: Runtime
let imageRef: string
let pods = 0
const never = new AbortController().signal

beforeAll(async () => {
  bench = await openContainerdBench()
  runtime = bench.runtime
  imageRef = await runtime.pull(bench.image, {}, never)
})
afterAll(async () => bench?.[Symbol.asyncDispose]())

type More = Omit<Partial<ContainerSpec>, 'security'> & { security?: Partial<ContainerSecurity> }

/** What a script prints in a container of its own, and how it ended. */
async function run(script: string, more: More = {}, pod: Partial<SandboxSpec> = {}) {
  const name = `s${++pods}`
  const spec = podSpec(name, { logFolder: `${bench.logFolder}/${name}`, ...pod })
  const sandbox = await runtime.runSandbox(spec, never)
  try {
    const id = await runtime.start(sandbox, containerSpec(bench.image, imageRef, script, more))
    const container = await bench.until('its end', async () =>
      (await runtime.observe()).flatMap(p => p.containers).find(c => c.id === id && c.state === 'exited'),
    )
    let text = ''
    for await (const chunk of runtime.logs(id, {}, never)) text += String(chunk)
    return { text, exitCode: container.exitCode, reason: container.reason }
  } finally {
    await runtime.remove(sandbox)
  }
}

const status = (field: string) => `sed -n 's/^${field}:[[:space:]]*//p' /proc/self/status`

test('user, group and supplemental groups are as asked', async () => {
  const asked = { runAsUser: 1234, runAsGroup: 2345, supplementalGroups: [3456] }
  expect((await run('id -u; id -g; id -G', { security: asked })).text).toBe('1234\n2345\n2345 3456\n')
  expect((await run('id -u', { security: { runAsUserName: 'guest' } })).text).toBe('1000\n')
})

test('capabilities are dropped and added', async () => {
  const none = await run(status('CapEff'), { security: { dropCapabilities: ['ALL'] } })
  expect(none.text).toBe('0000000000000000\n')
  const one = await run(status('CapEff'), { security: { dropCapabilities: ['ALL'], addCapabilities: ['NET_ADMIN'] } })
  expect(one.text).toBe('0000000000001000\n')
})

test('no_new_privs, seccomp and read-only roots are set unless told otherwise', async () => {
  expect(
    (await run(`${status('NoNewPrivs')}; ${status('Seccomp')}`, { security: { noNewPrivileges: true } })).text,
  ).toBe('1\n2\n')
  expect((await run(status('Seccomp'), { security: { seccomp: 'Unconfined' } })).text).toBe('0\n')
  expect((await run('touch /x', { security: { readOnlyRoot: true } })).text).toMatch(/Read-only file system/)
})

test("the kernel's secrets are masked, unless the container is privileged", async () => {
  // A mask is a mount over the path: /dev/null over files, an empty folder over folders.
  const look = "cut -d' ' -f2 /proc/mounts | grep -c '^/proc/.'; grep -c '^proc /proc/sys proc ro' /proc/mounts"
  const masked = (await run(look)).text.split('\n').map(Number)
  expect(masked[0]).toBeGreaterThan(5)
  expect(masked[1]).toBe(1)
  expect((await run(look, { security: { maskedPaths: [], readonlyPaths: [] } })).text).toBe('0\n0\n')
  const privileged = { security: { privileged: true } }
  expect((await run(`${look}; ${status('Seccomp')}`, privileged, { privileged: true })).text).toBe('0\n0\n0\n')
})

test('a privileged container in a sandbox that is not is refused with the reason', async () => {
  await expect(run('true', { security: { privileged: true } })).rejects.toThrow(
    /no privileged container allowed in sandbox/,
  )
})

test('environment, folder, arguments and mounts reach the program', async () => {
  const folder = await mkdtemp(`${bench.folder}/volume-`)
  await writeFile(`${folder}/note`, 'from the host\n')
  const { text } = await run('', {
    command: [
      'sh',
      '-c',
      'echo $FROM_IMAGE $A; pwd; cat /data/note; (echo x > /data/y) 2>/dev/null || echo refused; echo $0 $1',
    ],
    args: ['zero', 'one'],
    env: [{ name: 'A', value: 'b c' }],
    workingDir: '/tmp',
    mounts: [{ hostPath: folder, containerPath: '/data', readOnly: true, propagation: 'private' }],
  })
  expect(text).toMatch(/^yes b c\n\/tmp\nfrom the host\nrefused\nzero one\n$/)
})

test('containers share the network always, processes when asked, and not the host by default', async () => {
  const name = `s${++pods}`
  const spec = podSpec(name, {
    logFolder: `${bench.logFolder}/${name}`,
    shareProcessNamespace: true,
    hostname: 'shared',
  })
  const sandbox = await runtime.runSandbox(spec, never)
  const first = await runtime.start(sandbox, containerSpec(bench.image, imageRef, 'sleep 4444', { name: 'one' }))
  const second = await runtime.start(sandbox, containerSpec(bench.image, imageRef, 'sleep 5555', { name: 'two' }))
  const seen = await runtime.exec(first, ['ps', '-o', 'pid,args'], 5_000)
  expect(seen.stdout).toMatch(/ 1 \/pause\n[\s\S]*sleep 4444[\s\S]*sleep 5555/)
  // An orphan ends up with the pause program, which must bury it.
  await runtime.exec(second, ['sh', '-c', '(sleep 0.1; exit 3) & exit 0'], 5_000)
  await bench.until('its burial', async () => {
    const { stdout } = await runtime.exec(first, ['ps', '-o', 'stat,args'], 5_000)
    return /sleep 0\.1|^Z/m.test(stdout) ? undefined : true
  })
  expect((await runtime.exec(second, ['hostname'], 5_000)).stdout).toBe('shared\n')
  await runtime.remove(sandbox)
  const host = await run("ps -o args | grep -c '[c]ontainerd --config'", {}, { hostPid: true })
  expect(Number(host.text)).toBeGreaterThan(0)
})

test('a debugging container joins the processes of its target', async () => {
  const name = `s${++pods}`
  const sandbox = await runtime.runSandbox(podSpec(name, { logFolder: `${bench.logFolder}/${name}` }), never)
  const target = await runtime.start(sandbox, containerSpec(bench.image, imageRef, 'sleep 6666'))
  const debug = containerSpec(bench.image, imageRef, 'ps -o args; sleep 1000', {
    name: 'debug',
    processNamespaceOf: target,
  })
  const id = await runtime.start(sandbox, debug)
  expect((await runtime.exec(id, ['ps', '-o', 'args'], 5_000)).stdout).toContain('sleep 6666')
  await runtime.remove(sandbox)
})

test('DNS, sysctls and the cgroup parent of the pod are as asked', async () => {
  const { text } = await run(
    'cat /etc/resolv.conf; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; cat /proc/self/cgroup',
    {},
    {
      dns: { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local'], options: ['ndots:5'] },
      sysctls: { 'net.ipv4.ip_unprivileged_port_start': '80' },
      cgroupParent: '/optiflow-test/pod1',
    },
  )
  expect(text).toContain('search default.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n')
  expect(text).toContain('\n80\n')
})

test('what takes more memory than its limit is killed, and the reason says so', async () => {
  const greedy = 'x=a; while :; do x=$x$x; done'
  expect(await run(greedy, { resources: { memoryLimitBytes: 16 << 20 } })).toMatchObject({
    exitCode: 137,
    reason: 'OOMKilled',
  })
})

test('limits of a running container change without a restart', async () => {
  const name = `s${++pods}`
  const sandbox = await runtime.runSandbox(
    podSpec(name, { logFolder: `${bench.logFolder}/${name}`, cgroupParent: `/optiflow-test/${name}` }),
    never,
  )
  const spec = containerSpec(bench.image, imageRef, 'sleep 1000', {
    resources: { cpuShares: 512, cpuQuotaMicros: 50_000, cpuPeriodMicros: 100_000, memoryLimitBytes: 64 << 20 },
  })
  const id = await runtime.start(sandbox, spec)
  const read = async () => {
    const v1 = (file: string) =>
      readFile(`/sys/fs/cgroup/${file.split('.')[0]}/optiflow-test/${name}/${id}/${file}`, 'utf8').catch(() => '')
    return (await Promise.all(['cpu.shares', 'cpu.cfs_quota_us', 'memory.limit_in_bytes'].map(v1))).map(Number)
  }
  expect(await read()).toEqual([512, 50_000, 64 << 20])
  await runtime.updateResources(id, {
    cpuShares: 256,
    cpuQuotaMicros: 20_000,
    cpuPeriodMicros: 100_000,
    memoryLimitBytes: 96 << 20,
  })
  expect(await read()).toEqual([256, 20_000, 96 << 20])
  expect((await runtime.observe()).flatMap(p => p.containers).find(c => c.id === id)?.state).toBe('running')
  await runtime.remove(sandbox)
})

test('nothing is left behind', async () => {
  expect(await bench.leaks()).toEqual([])
})
