import { explain } from './errors.ts'
import { bracketed } from './ip.ts'
import type { Net } from './net.ts'

/** How an address is asked whether it is well: by HTTP if that is said, else a TCP connection is enough. */
export interface AddressCheck {
  http?: { scheme?: 'HTTP' | 'HTTPS'; path?: string }
  /** 2 unless said otherwise. */
  timeoutSeconds?: number
}

/** @returns what is wrong; undefined: it is well */
export async function addressProblem(
  net: Net,
  check: AddressCheck,
  { ip, port }: { ip: string; port: number },
): Promise<string | undefined> {
  const timeoutMs = (check.timeoutSeconds ?? 2) * 1_000
  try {
    if (!check.http) {
      const socket = await net.connect(ip, port, { timeoutMs })
      socket.destroy()
      return undefined
    }
    const scheme = check.http.scheme === 'HTTPS' ? 'https' : 'http'
    const url = `${scheme}://${bracketed(ip)}:${port}${check.http.path ?? '/'}`
    const { status } = await net.request(url, { timeoutMs, insecure: true, maxBytes: 10_240 })
    return status >= 200 && status < 400 ? undefined : `HTTP status ${status}`
  } catch (error) {
    return explain(error)
  }
}
