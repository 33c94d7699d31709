import { type ChosenEncapsulation, encapsulations, type Finding, preflight as look } from '../../../main/calico.ts'
import { systemOutside } from '../../../main/outside.ts'
import { type CliCommand, type Outside, withConnection, withRemote } from '../../command.ts'
import type { ConnectionFlags } from '../../connection.ts'
import { UsageError } from '../../failure.ts'

interface Flags extends ConnectionFlags {
  encapsulation: string
  podCidr: string
  cniConfDir: string
  machineOnly?: boolean
  clusterOnly?: boolean
}

export const preflight: CliCommand = {
  register(program, outside) {
    withConnection(program.command('preflight'))
      .description('would Calico work on this machine and in this cluster; each finding with its fix')
      .option('--encapsulation <how>', encapsulations.join(', '), 'vxlan')
      .option('--pod-cidr <cidr>', 'network of all pods', '10.244.0.0/16')
      .option('--cni-conf-dir <dir>', 'where CNI configurations are', '/etc/cni/net.d')
      .option('--machine-only', 'do not ask the cluster')
      .option('--cluster-only', 'this machine is no node: do not look at it')
      .action(async (flags: Flags) => {
        const encapsulation = readEncapsulation(flags.encapsulation)
        const { commands, disk, net } = systemOutside()
        const common = {
          commands,
          disk,
          net,
          endpoint: true,
          encapsulation,
          podCidr: flags.podCidr,
          cniConfDir: flags.cniConfDir,
        }
        const machine = !flags.clusterOnly
        const findings = flags.machineOnly
          ? await look({ ...common, client: undefined, machine })
          : await withRemote(outside, flags, remote => look({ ...common, client: remote.client, machine }))
        printFindings(outside, findings)
        const failed = findings.filter(f => f.level === 'fail').length
        if (failed)
          throw new UsageError(`${failed} of ${findings.length} checks failed`, { hint: 'The fixes are above.' })
      })
  },
}

export function readEncapsulation(text: string): ChosenEncapsulation {
  const found = encapsulations.find(e => e === text)
  if (found) return found
  throw new UsageError(`--encapsulation: "${text}" is not one of ${encapsulations.join(', ')}`)
}

export function printFindings({ terminal }: Outside, findings: readonly Finding[]): void {
  const { paint } = terminal
  const marks = { ok: paint.green('✔'), warn: paint.yellow('!'), fail: paint.red('✖') }
  const width = Math.max(...findings.map(f => f.check.length))
  for (const { check, level, what, fix } of findings) {
    terminal.out(`${marks[level]} ${check.padEnd(width)}  ${what}\n`)
    if (fix) terminal.out(`  ${' '.repeat(width)}  ${paint.dim('→')} ${fix}\n`)
  }
}
