import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { systemCommands } from '../base/commands.ts'
import { systemDisk } from '../base/disk.ts'
import { silentLogger } from '../base/logger.ts'
import { superviseContainerd } from './containerd.ts'
import { containerdConfig, hostsFile, toml } from './containerd-config.ts'
import { ContainerdFailed, readFailure } from './containerd-failure.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp('/tmp/supervise-')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A containerd that logs `lines` and gives up. */
async function failing(...lines: string[]): Promise<string> {
  return fake('1.7.24', ...lines)
}

async function fake(version: string, ...lines: string[]): Promise<string> {
  const path = `${folder}/fake-containerd`
  const script = lines.map(line => `echo '${line}' >&2`).join('\n')
  await writeFile(
    path,
    `#!/bin/sh\nif [ "$1" = --version ]; then echo containerd github.com/containerd/containerd ${version} abc; exit 0; fi\n${script}\nexit 1\n`,
  )
  await chmod(path, 0o755)
  return path
}

async function failure(binary: string): Promise<ContainerdFailed> {
  const attempt = superviseContainerd({
    folder: `${folder}/data`,
    stateFolder: `${folder}/state`,
    disk: systemDisk,
    commands: systemCommands,
    clock: systemClock,
    log: silentLogger,
    cniBinFolders: [],
    cniConfFolder: `${folder}/net.d`,
    binary,
  })
  const error = await attempt.then(
    () => undefined,
    e => e,
  )
  expect(error).toBeInstanceOf(ContainerdFailed)
  return error as ContainerdFailed
}

test('a missing containerd is named with the packages to install', async () => {
  const error = await failure('containerd-that-is-not-there')
  expect([error.message, error.hint]).toEqual([
    'containerd-that-is-not-there is not installed',
    expect.stringContaining('apt-get install containerd runc containernetworking-plugins'),
  ])
})

test('a containerd that is too old is refused before it is started, with the version that is wanted', async () => {
  const error = await failure(await fake('1.5.18', 'containerd: it was started'))
  expect([error.message, error.hint]).toEqual([
    'containerd 1.5.18 is too old: it does not speak CRI v1',
    'Install containerd 1.6 or newer.',
  ])
})

test('a containerd that gives up is quoted, with one thing to do', async () => {
  const error = await failure(
    await failing(
      'time="2026-01-01T00:00:00Z" level=info msg="starting containerd"',
      'containerd: failed to load TOML: /x/config.toml: (3, 1): unexpected token',
    ),
  )
  expect([error.message, error.hint]).toEqual([
    'containerd exited with 1: containerd: failed to load TOML: /x/config.toml: (3, 1): unexpected token',
    expect.stringContaining('does not take the configuration'),
  ])
})

test.each([
  [
    'level=fatal msg="listen unix /run/x.sock: bind: address already in use"',
    /already in use/,
    /Another containerd uses this socket/,
  ],
  ['level=warning msg="waiting for response from boltdb open" plugin=bolt', /boltdb/, /holds the same folder/],
  ['level=fatal msg="x" error="mkdir /a: permission denied"', /x: mkdir \/a: permission denied/, /needs root/],
  ['', /^undefined$/, /^undefined$/],
])('the log line %j becomes evidence and a hint', (line, evidence, hint) => {
  const found = readFailure(line)
  expect(String(found.evidence)).toMatch(evidence)
  expect(String(found.hint)).toMatch(hint)
})

const settings = {
  root: '/d/root',
  state: '/run/o/x',
  socket: '/run/o/x/containerd.sock',
  sandboxImage: 'optiflow.dev/pause:1',
  snapshotter: 'overlayfs',
  systemdCgroup: true,
  restrictOomScore: true,
  cniBinFolders: ['/usr/lib/cni', '/opt/cni/bin'],
  cniConfFolder: '/d/net.d',
  registryFolder: '/d/registries',
  handlers: { crun: '/usr/bin/crun' },
}

test('containerd 1.x gets the second form of its configuration, 2.x the third', () => {
  const old = containerdConfig(settings, 1)
  expect(old).toContain('version = 2\n')
  expect(old).toContain('[plugins."io.containerd.grpc.v1.cri".cni]\nbin_dir = "/usr/lib/cni"\n')
  expect(old).toContain(
    '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]\nSystemdCgroup = true\n',
  )
  const modern = containerdConfig(settings, 2)
  expect(modern).toContain('version = 3\n')
  expect(modern).toContain('[plugins."io.containerd.cri.v1.images".pinned_images]\nsandbox = "optiflow.dev/pause:1"\n')
  expect(modern).toContain('bin_dirs = ["/usr/lib/cni","/opt/cni/bin"]\n')
  expect(modern).not.toContain('sandbox_image')
})

test('a registry is asked after its mirrors', () => {
  expect(
    hostsFile({ host: 'docker.io', mirrors: ['http://10.0.0.1:5000'], server: 'https://registry-1.docker.io' }),
  ).toBe(
    [
      'server = "https://registry-1.docker.io"',
      '',
      '[host]',
      '',
      '[host."http://10.0.0.1:5000"]',
      'capabilities = ["pull","resolve"]',
      '',
      '[host."https://registry-1.docker.io"]',
      'capabilities = ["pull","resolve","push"]',
      '',
    ].join('\n'),
  )
})

test('keys and strings that TOML would misread are quoted', () => {
  expect(toml({ 'a b': 'say "x"\n', n: 1, t: { 'x.y': true } })).toBe(
    '"a b" = "say \\"x\\"\\n"\nn = 1\n\n[t]\n"x.y" = true\n',
  )
})
