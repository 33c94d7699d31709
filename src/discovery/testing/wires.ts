import { execFileSync } from 'node:child_process'
import { type Commands, systemCommands } from '../../base/commands.ts'

export const serverIp = '10.244.0.5'
export const clientIp = '10.244.0.6'
export const nodeIp = '10.244.0.1'

/** A node and two pods of it, as namespaces on wires: what a packet meets on its way between pods of one node. */
export interface Wires extends Disposable {
  /** Programs of the node itself: rules are written there. */
  node: Commands
  /** The words before a program that runs in the pod of the client, and of the server. */
  inClient: string[]
  inServer: string[]
}

/** Needs root. Disposing takes the namespaces away. */
export function openWires(): Wires {
  const name = (what: string) => `of-wires-${process.pid}-${what}`
  const path = (what: string) => `/run/netns/${name(what)}`
  const ip = (...args: string[]) => execFileSync('ip', args)
  const spaces = ['node', 'client', 'server']
  const dispose = () => {
    for (const what of spaces) execFileSync('sh', ['-c', `ip netns del ${name(what)} 2>/dev/null || true`])
  }
  try {
    for (const what of spaces) {
      ip('netns', 'add', name(what))
      ip('-n', name(what), 'link', 'set', 'lo', 'up')
    }
    for (const [what, address] of [
      ['client', clientIp],
      ['server', serverIp],
    ] as const) {
      ip('-n', name(what), 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', what, 'netns', name('node'))
      ip('-n', name(what), 'addr', 'add', `${address}/32`, 'dev', 'eth0')
      ip('-n', name(what), 'link', 'set', 'eth0', 'up')
      // The node is the way to everything. Answering for others (proxy_arp) would do too, but the kernel puts that off by up to 800 ms.
      ip('-n', name(what), 'route', 'add', nodeIp, 'dev', 'eth0')
      ip('-n', name(what), 'route', 'add', 'default', 'via', nodeIp, 'dev', 'eth0')
      ip('-n', name('node'), 'link', 'set', what, 'up')
      ip('-n', name('node'), 'route', 'add', `${address}/32`, 'dev', what)
    }
    ip('-n', name('node'), 'addr', 'add', `${nodeIp}/32`, 'dev', 'lo')
    // Addresses of Services are nowhere, but some route must lead there before the rules lead on.
    ip('-n', name('node'), 'route', 'add', 'default', 'dev', 'server')
    execFileSync('nsenter', [`--net=${path('node')}`, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  } catch (error) {
    dispose()
    throw error
  }
  const words = (what: string) => ['nsenter', `--net=${path(what)}`]
  return {
    node: {
      ...systemCommands,
      run: (program, args, options) =>
        systemCommands.run('nsenter', [`--net=${path('node')}`, program, ...args], options),
    },
    inClient: words('client'),
    inServer: words('server'),
    [Symbol.dispose]: dispose,
  }
}
