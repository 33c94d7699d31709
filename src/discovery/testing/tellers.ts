import { type Child, systemCommands } from '../../base/commands.ts'
import type { Wires } from './wires.ts'

/** A program for Node that tells by TCP and by UDP who it is and whom it sees: port 8080. It prints `up`. */
const teller = (name: string) => `
const tell = address => '${name} saw ' + address.replace('::ffff:', '')
const udp = require('dgram').createSocket('udp4')
udp.on('message', (_, from) => udp.send(tell(from.address), from.port, from.address))
require('net').createServer(s => s.end(tell(s.remoteAddress))).listen(8080, () => udp.bind(8080, () => console.log('up')))`

/** Programs that print what they are told, or why they are not. @param from the client's own port; 0: any */
export const ask = {
  tcp: (host: string, port: number, _from = 0) => `
    const s = require('net').connect({ host: '${host}', port: ${port}, timeout: 2000 })
    s.on('data', d => process.stdout.write(d)).on('error', e => process.stdout.write(e.code)).on('timeout', () => { process.stdout.write('silence'); s.destroy() })`,
  udp: (host: string, port: number, from = 0) => `
    const s = require('dgram').createSocket('udp4')
    s.bind(${from}, () => s.send('x', ${port}, '${host}'))
    s.on('message', d => { process.stdout.write(d); process.exit() })
    setTimeout(() => { process.stdout.write('silence'); process.exit() }, 2000)`,
}

/** One in each pod, named after it; all answer when it resolves. Disposing ends them. */
export async function startTellers({ inClient, inServer }: Wires): Promise<AsyncDisposable> {
  const children: Child[] = []
  for (const [name, words] of [
    ['client', inClient],
    ['server', inServer],
  ] as const) {
    const [program, ...args] = [...words, process.execPath, '-e', teller(name)]
    await new Promise<void>(up =>
      children.push(systemCommands.spawn(program!, args, { onLine: line => line === 'up' && up() })),
    )
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map(child => child.exited))
    },
  }
}
