import { join } from 'node:path'
import { OptiFlowError } from '../base/errors.ts'
import type { OutsideWorld } from './outside.ts'

/** systemd's own folder for what administrators add. */
const unitFolder = '/etc/systemd/system'
const marker = '# Written by "optiflow boot enable".'

/** Starting at boot cannot be arranged on this machine. */
export class NoBoot extends OptiFlowError {}

/** A process of ours as systemd is to start it. */
export interface BootCommand {
  /** Our program, with what starts it: absolute paths. */
  program: readonly string[]
  /** Where Node is: systemd looks in the usual folders only. */
  nodeFolder: string
  /** A command of `optiflow` with its flags: `up`, `--listen`, … */
  words: readonly string[]
  /** Relative paths among the flags are meant from here. */
  folder: string
}

/** Commands that go on until they are stopped. */
export const bootCommands = ['up', 'server', 'agent', 'scheduler', 'controller'] as const

/** `optiflow.service` of `up`, `optiflow-agent.service` of the others. */
export const unitName = (command: string) => `optiflow${command === 'up' ? '' : `-${command}`}.service`

/**
 * The unit's text. Only the process itself ends with the service: containers and their containerd go on and are taken over at the
 * next start, as without systemd. What ended in order stays ended, so that "optiflow down" holds until the next boot. Pure.
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html
 */
export function unitText({ program, nodeFolder, words, folder }: BootCommand): string {
  const path = [nodeFolder, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']
  return `${marker} "optiflow boot disable" takes it away.
[Unit]
Description=OptiFlow Orchestrator: ${words[0]}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${[...program, ...words].map(quoted).join(' ')}
WorkingDirectory=-${folder.replaceAll('%', '%%')}
Environment=${quoted(`PATH=${[...new Set(path)].join(':')}`)}
EnvironmentFile=-/etc/default/optiflow
Restart=on-failure
RestartSec=5
KillMode=process
TimeoutStopSec=90
Delegate=yes
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-900

[Install]
WantedBy=multi-user.target
`
}

/** A word as systemd splits lines: specifiers and variables in it are none. */
function quoted(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$')
  return /^[\w@:,./=%+$-]+$/.test(plain) ? plain : `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/**
 * Has systemd start it at each boot from now on.
 * @param now start it at once too @returns the unit's path @throws NoBoot without systemd, CommandFailed
 */
export async function enableBoot(
  command: BootCommand,
  { disk, commands }: Pick<OutsideWorld, 'disk' | 'commands'>,
  now: boolean,
): Promise<string> {
  if (!(await disk.exists('/run/systemd/system')))
    throw new NoBoot('this machine was not started by systemd', {
      hint: `Have its own init run "optiflow ${command.words[0]}"; "optiflow boot show" prints what a unit would say.`,
    })
  const name = unitName(command.words[0]!)
  const path = join(unitFolder, name)
  // A join token among the words is nobody else's business.
  await disk.write(path, unitText(command), { mode: command.words.some(w => w.startsWith('--token')) ? 0o600 : 0o644 })
  await commands.run('systemctl', ['daemon-reload'])
  await commands.run('systemctl', ['enable', ...(now ? ['--now'] : []), name], { timeoutMs: 120_000 })
  return path
}

/**
 * Takes away every unit that was written here, or those of one data folder. What runs goes on.
 * @param dataDir of whom; all unless given @returns their names
 */
export async function disableBoot(
  { disk, commands }: Pick<OutsideWorld, 'disk' | 'commands'>,
  dataDir?: string,
): Promise<string[]> {
  const gone: string[] = []
  for (const command of bootCommands) {
    const [name, path] = [unitName(command), join(unitFolder, unitName(command))]
    const text = await disk.readText(path).catch(() => '')
    if (!text.startsWith(marker) || (dataDir && !isOf(text, dataDir))) continue
    await commands.run('systemctl', ['disable', name], { allowFailure: true })
    await disk.remove(path)
    await commands.run('systemctl', ['daemon-reload'], { allowFailure: true })
    gone.push(name)
  }
  return gone
}

function isOf(unit: string, dataDir: string): boolean {
  const named = /--data-dir[ =](?:"([^"]*)"|(\S+))/.exec(unit)
  return (named?.[1] ?? named?.[2] ?? '/var/lib/optiflow') === dataDir
}
