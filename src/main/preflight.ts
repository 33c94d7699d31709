import { delimiter, join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import { OptiFlowError } from '../base/errors.ts'

/** The machine lacks something that containers need. */
export class MachineNotReady extends OptiFlowError {}

const programs = [
  { file: 'containerd', package: 'containerd' },
  { file: 'runc', package: 'runc' },
  { file: 'nft', package: 'nftables' },
  { file: 'iptables', package: 'iptables' },
  { file: 'ip', package: 'iproute2' },
]
const cniFolders = ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni']

export async function containerdInstalled(disk: Disk, path = process.env['PATH'] ?? ''): Promise<boolean> {
  return (await find(disk, 'containerd', path)) !== undefined
}

/** Checks that real containers can run here. @throws MachineNotReady with everything that is missing at once */
export async function checkMachine(
  disk: Disk,
  network: 'builtin' | 'cni',
  path = process.env['PATH'] ?? '',
): Promise<{ cniBinFolders: string[] }> {
  if (process.platform !== 'linux')
    throw new MachineNotReady(`containers need Linux; this is ${process.platform}`, {
      hint: 'Use --runtime simulated.',
    })
  if (process.getuid?.() !== 0)
    throw new MachineNotReady('containers need root', { hint: 'Run with sudo, or use --runtime simulated.' })
  const missing: string[] = []
  for (const p of programs) if (!(await find(disk, p.file, path))) missing.push(p.package)
  const folders: string[] = []
  for (const folder of cniFolders) if (await disk.exists(join(folder, 'bridge'))) folders.push(folder)
  if (!folders.length && network === 'builtin') missing.push('containernetworking-plugins')
  if (missing.length)
    throw new MachineNotReady(`this machine lacks ${missing.join(', ')}`, {
      hint: `apt-get install -y ${missing.join(' ')}   (or --runtime simulated)`,
    })
  return { cniBinFolders: folders }
}

async function find(disk: Disk, file: string, path: string): Promise<string | undefined> {
  for (const folder of [...path.split(delimiter).filter(Boolean), '/usr/sbin', '/sbin']) {
    const full = join(folder, file)
    if (await disk.exists(full)) return full
  }
  return undefined
}
