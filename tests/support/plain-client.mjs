// GET over HTTP/1.1 on bare sockets, for answers with a length or in chunks: half of what `http.get` costs, so that who measures a
// machine leaves it to what is measured.
import { connect } from 'node:net'

/** Asks one URL over and over. With `keep` connections are kept for the next request. */
export class PlainClient {
  #at
  #head
  #keep
  #timeoutMs
  #idle = []

  constructor({ url, host, keep, timeoutMs }) {
    const { hostname, port, pathname, search } = new URL(url)
    this.#at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80), noDelay: true }
    this.#keep = keep
    this.#timeoutMs = timeoutMs
    const lines = [`GET ${pathname}${search} HTTP/1.1`, `host: ${host ?? new URL(url).host}`]
    this.#head = `${[...lines, ...(keep ? [] : ['connection: close'])].join('\r\n')}\r\n\r\n`
  }

  /** @param done is called once, with the status, or with what went wrong */
  ask(done) {
    const line = this.#idle.pop() ?? this.#open()
    line.text = ''
    line.done = done
    line.timer = setTimeout(() => line.over('no answer'), this.#timeoutMs)
    line.socket.write(this.#head, 'latin1')
  }

  close() {
    for (const { socket } of this.#idle) socket.destroy()
  }

  #open() {
    const socket = connect(this.#at)
    const line = { socket, text: '', done: undefined, timer: undefined, over: undefined }
    line.over = outcome => {
      const { done } = line
      clearTimeout(line.timer)
      line.done = undefined
      if (typeof outcome === 'number' && this.#keep) this.#idle.push(line)
      else {
        socket.destroy()
        this.#idle = this.#idle.filter(other => other !== line)
      }
      done?.(outcome)
    }
    socket.on('data', chunk => {
      line.text += chunk.toString('latin1')
      const status = whole(line.text)
      if (status !== undefined) line.over(status)
    })
    socket.on('error', error => line.over(error.code ?? error.message))
    socket.on('end', () => line.over(line.text ? 'in the answer: ended' : 'ended without an answer'))
    return line
  }
}

/** The status of an answer that is here whole. */
function whole(text) {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)
  const isWhole = length ? text.length >= end + 4 + Number(length[1]) : text.endsWith('\r\n0\r\n\r\n')
  return isWhole ? Number(head.slice(9, 12)) : undefined
}
