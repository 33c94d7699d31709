import type { Listener, Net, UdpSocket } from './net.ts'

export interface UdpAndTcp {
  udp: UdpSocket
  tcp: Listener
}

/** As often another port is tried where any would do: a TCP connection of somebody else may have the number that UDP was given. */
const ATTEMPTS = 20

/** One port by UDP and by TCP; 0 is any that both have free. What the network refuses is thrown, and nothing stays open. */
export async function listenUdpAndTcp(
  net: Net,
  { host, port }: { host: string; port: number },
  {
    onMessage,
    onConnection,
  }: { onMessage: Parameters<Net['bindUdp']>[2]; onConnection: Parameters<Net['listenTcp']>[2] },
): Promise<UdpAndTcp> {
  for (let attempt = 1; ; attempt++) {
    const udp = await net.bindUdp(host, port, onMessage)
    try {
      return { udp, tcp: await net.listenTcp(host, udp.port, onConnection) }
    } catch (error) {
      await udp.close()
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || port !== 0 || attempt === ATTEMPTS) throw error
    }
  }
}
