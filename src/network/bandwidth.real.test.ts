import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { systemCommands } from '../base/commands.ts'
import { limitBandwidth } from './bandwidth.ts'

const root = process.getuid?.() === 0
const space = (what: string) => `of-bandwidth-${process.pid}-${what}`
const path = (what: string) => `/run/netns/${space(what)}`
const ip = (...args: string[]) => execFileSync('ip', args)

/** Connects, then one side sends for a while; writes how many bytes the other got a second, but for its start. */
const transfer = `
const { connect, createServer } = require('node:net')
const [sends, host] = process.argv.slice(1)
const run = socket => {
  const chunk = Buffer.alloc(16_384)
  const more = () => { while (socket.write(chunk)); }
  if (sends === 'yes') { socket.on('drain', more); more() }
  let got = 0
  let from = 0
  socket.on('data', data => (got += data.length)).on('error', () => process.exit())
  setTimeout(() => (from = got), 300)
  setTimeout(() => { console.log((got - from) / 0.8); process.exit() }, 1100)
}
if (host) connect(8080, host, function () { run(this) })
else createServer(run).listen(8080, '0.0.0.0', () => console.log('up'))
`

describe.skipIf(!root)(`bandwidth of pods${root ? '' : ' (skipped: not root)'}`, () => {
  afterEach(() => {
    for (const what of ['node', 'pod']) execFileSync('sh', ['-c', `ip netns del ${space(what)} 2>/dev/null || true`])
  })

  it('is that of the limit in each direction, and as fast as it goes without one', async () => {
    for (const what of ['node', 'pod']) ip('netns', 'add', space(what))
    ip('-n', space('pod'), 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'veth0', 'netns', space('node'))
    for (const [what, device, address] of [
      ['pod', 'eth0', '10.99.0.2'],
      ['node', 'veth0', '10.99.0.1'],
    ] as const) {
      ip('-n', space(what), 'addr', 'add', `${address}/24`, 'dev', device)
      ip('-n', space(what), 'link', 'set', device, 'up')
    }
    const node = {
      ...systemCommands,
      run: (program: string, args: string[]) =>
        systemCommands.run('nsenter', [`--net=${path('node')}`, program, ...args]),
    }
    const unlimited = await bitsPerSecond('pod', 'node')
    await limitBandwidth(node, path('pod'), { ingress: 8e6, egress: 2e6 })
    // Again, as before each container.
    await limitBandwidth(node, path('pod'), { ingress: 8e6, egress: 2e6 })
    const rates = { ingress: await bitsPerSecond('node', 'pod'), egress: await bitsPerSecond('pod', 'node') }
    expect(unlimited).toBeGreaterThan(50e6)
    // What counts are packets: some 5 % of them are headers.
    expect(rates.ingress / 8e6).toBeGreaterThan(0.75)
    expect(rates.ingress / 8e6).toBeLessThan(1.1)
    expect(rates.egress / 2e6).toBeGreaterThan(0.75)
    expect(rates.egress / 2e6).toBeLessThan(1.1)
  })

  it('says what is missing when the pod has no network any more', async () => {
    const failing = limitBandwidth(systemCommands, '/run/netns/of-nothing', { ingress: 1e6, egress: undefined })
    await expect(failing).rejects.toThrow('cannot limit the bandwidth of the pod')
  })
})

/** By one TCP connection, measured over 0.8 s. */
async function bitsPerSecond(from: string, to: string): Promise<number> {
  const run = (what: string, ...args: string[]) =>
    spawn('nsenter', [`--net=${path(what)}`, process.execPath, '-e', transfer, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  const receiver = run(to, 'no')
  const lines: string[] = []
  receiver.stdout.on('data', data => lines.push(String(data)))
  while (!lines.join('').includes('up')) await once(receiver.stdout, 'data')
  const sender = run(from, 'yes', to === 'pod' ? '10.99.0.2' : '10.99.0.1')
  await Promise.all([once(receiver, 'close'), once(sender, 'close')])
  return Number(lines.join('').trim().split('\n').at(-1)) * 8
}
