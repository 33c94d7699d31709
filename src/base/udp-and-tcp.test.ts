import { expect, test } from 'vitest'
import { type Net, systemNet } from './net.ts'
import { listenUdpAndTcp } from './udp-and-tcp.ts'

const here = '127.0.0.1'
const handlers = { onMessage: () => {}, onConnection: () => {} }

/** Takes the TCP side of the first `count` ports that UDP is given. */
function crowded(count: number) {
  const given: number[] = []
  const net: Net = {
    ...systemNet,
    async bindUdp(...args) {
      const socket = await systemNet.bindUdp(...args)
      given.push(socket.port)
      return socket
    },
    async listenTcp(...args) {
      if (given.length <= count) throw Object.assign(new Error('in use'), { code: 'EADDRINUSE' })
      return systemNet.listenTcp(...args)
    },
  }
  return { net, given }
}

test('any port that both have free is looked for again where TCP has it taken', async () => {
  const { net, given } = crowded(3)
  const { udp, tcp } = await listenUdpAndTcp(net, { host: here, port: 0 }, handlers)
  expect(given).toHaveLength(4)
  expect(tcp.port).toBe(udp.port)
  await Promise.all([udp.close(), tcp.close()])
})

test('a port that was named is tried once, and its UDP side is free again', async () => {
  const free = await systemNet.bindUdp(here, 0, () => {})
  const { port } = free
  await free.close()
  const { net, given } = crowded(Number.POSITIVE_INFINITY)
  await expect(listenUdpAndTcp(net, { host: here, port }, handlers)).rejects.toMatchObject({ code: 'EADDRINUSE' })
  expect(given).toEqual([port])
  await (await systemNet.bindUdp(here, port, () => {})).close()
})
