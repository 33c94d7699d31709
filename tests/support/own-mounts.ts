import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Machine } from './lan.ts'
import { type RunOptions, run, start } from './processes.ts'

/** Folders that programs of a node write into: each machine gets a layer of its own over the host's. */
const layered = ['etc', 'opt', 'var/lib', 'var/log']

/**
 * The machine with mounts of its own, shared among themselves as systemd has them: an empty /run, and what is written to /etc,
 * /opt, /var/lib and /var/log is seen by nobody else. So two nodes on one machine can each have their Calico.
 */
export async function withOwnMounts(machine: Machine, folder: string): Promise<Machine & AsyncDisposable> {
  const own = join(folder, `${machine.name}-mounts`)
  const layers = join(folder, `${machine.name}-layers`)
  const namespace = join(own, 'ns')
  await mkdir(own)
  await mount('--bind', own, own)
  await mount('--make-private', own)
  await writeFile(namespace, '')
  for (const path of layered)
    for (const part of ['upper', 'work']) await mkdir(join(layers, part, path), { recursive: true })
  const overlays = layered.map(
    path =>
      `mount -t overlay overlay -o lowerdir=/${path},upperdir=${layers}/upper/${path},workdir=${layers}/work/${path} /${path}`,
  )
  const script = [
    'set -e',
    'mkdir -p /opt',
    ...overlays,
    'mount -t tmpfs tmpfs /run',
    'mount -t bpf bpffs /sys/fs/bpf || true',
    'mount --make-rshared /',
  ].join('\n')
  const made = await run('unshare', [`--mount=${namespace}`, '--propagation', 'private', 'sh', '-c', script])
  const dispose = async () => {
    await run('umount', ['-l', namespace])
    await run('umount', ['-l', own])
  }
  if (made.code !== 0) {
    await dispose()
    throw new Error(`${machine.name} gets no mounts of its own: ${made.err}`)
  }
  const inside = (program: string, args: string[]) => [
    `--net=${machine.netns}`,
    `--mount=${namespace}`,
    program,
    ...args,
  ]
  return {
    ...machine,
    run: (program, args, options?: RunOptions) => run('nsenter', inside(program, args), options),
    async ok(program, args, options) {
      const ended = await run('nsenter', inside(program, args), options)
      if (ended.code !== 0)
        throw new Error(
          `${program} ${args.join(' ')} on ${machine.name} ended with ${ended.code}\n${ended.out}${ended.err}`,
        )
      return ended.out
    },
    start: (program, args, options) => start('nsenter', inside(program, args), options),
    [Symbol.asyncDispose]: dispose,
  }
}

async function mount(...args: string[]): Promise<void> {
  const { code, err } = await run('mount', args)
  if (code !== 0) throw new Error(`mount ${args.join(' ')}: ${err}`)
}
