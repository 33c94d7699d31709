import type { Commands } from '../../../base/commands.ts'
import { CommandMissing } from '../../../base/commands.ts'
import type { ChosenEncapsulation } from '../install/manifest-settings.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** A thing of the kernel's, tried in a network namespace that is gone when the program ends. */
interface Feature {
  name: string
  program: string
  args: string[]
  stdin?: string
  package: string
  fix: string
  /** Calico goes on without it. */
  optional?: boolean
}

const link = (type: string, ...args: string[]) => ['link', 'add', 'probe', 'type', type, ...args]
const load = (module: string) => `modprobe ${module}; if that fails, take a kernel that has it.`

const always: Feature[] = [
  {
    name: 'veth',
    program: 'ip',
    args: link('veth', 'peer', 'name', 'probe2'),
    package: 'iproute2',
    fix: load('veth'),
  },
  {
    name: 'ipset',
    program: 'ipset',
    args: ['create', 'probe', 'hash:net'],
    package: 'ipset',
    fix: load('ip_set_hash_net'),
    optional: true,
  },
  {
    name: 'iptables or nftables',
    program: 'nft',
    args: ['add', 'table', 'ip', 'probe'],
    package: 'nftables',
    fix: load('nf_tables'),
  },
  {
    name: 'nftables sets',
    program: 'nft',
    args: ['-f', '-'],
    stdin:
      'add table ip probe\nadd set ip probe s { type ipv4_addr; flags interval; }\nadd element ip probe s { 10.0.0.0/8 }\n',
    package: 'nftables',
    fix: load('nf_tables'),
  },
]

const encapsulations: Record<ChosenEncapsulation, Feature | undefined> = {
  vxlan: vxlan(),
  'vxlan-cross-subnet': vxlan(),
  ipip: {
    name: 'ipip',
    program: 'ip',
    args: link('ipip', 'local', '127.0.0.1'),
    package: 'iproute2',
    fix: `${load('ipip')} Or install with --encapsulation vxlan.`,
  },
  none: undefined,
}

function vxlan(): Feature {
  return {
    name: 'vxlan',
    program: 'ip',
    args: link('vxlan', 'id', '4096', 'dstport', '4789'),
    package: 'iproute2',
    fix: load('vxlan'),
  }
}

/** Tries what Calico needs of the kernel. Nothing of this machine is changed: each try has a network of its own. */
export async function checkKernel(commands: Commands, encapsulation: ChosenEncapsulation): Promise<Finding[]> {
  const chosen = encapsulations[encapsulation]
  const findings: Finding[] = []
  for (const feature of [...always, ...(chosen ? [chosen] : [])]) findings.push(await tryOne(commands, feature))
  return findings
}

async function tryOne(commands: Commands, { name, program, args, stdin, ...more }: Feature): Promise<Finding> {
  const check = `kernel: ${name}`
  try {
    // A shell tells a missing program (127) from one that fails; unshare alone does not.
    const { code, stderr } = await commands.run('unshare', ['--net', 'sh', '-c', 'exec "$0" "$@"', program, ...args], {
      allowFailure: true,
      ...(stdin === undefined ? {} : { stdin }),
    })
    if (code === 0) return ok(check, 'there')
    const evidence = stderr.trim().split('\n')[0] ?? ''
    if (code === 127)
      return warn(check, `${program} is not installed, so it was not tried`, `apt-get install ${more.package}`)
    if (/unshare.*not permitted/.test(evidence)) return warn(check, 'not tried: that needs root', 'Run it with sudo.')
    return more.optional ? warn(check, evidence, more.fix) : fail(check, evidence, more.fix)
  } catch (error) {
    if (!(error instanceof CommandMissing)) throw error
    return warn(check, 'unshare is not installed, so it was not tried', 'apt-get install util-linux')
  }
}
