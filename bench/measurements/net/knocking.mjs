// Knocks at each address of standard input, one `IP PORT` a line, until somebody answers; writes the wall time of that in milliseconds.
import { connect } from 'node:net'
import { createInterface } from 'node:readline'

const now = () => performance.timeOrigin + performance.now()

function knock(host, port) {
  let done = false
  const socket = connect({ host, port: Number(port), timeout: 200 })
  const again = () => {
    if (done) return
    done = true
    socket.destroy()
    setTimeout(() => knock(host, port), 1)
  }
  socket.on('error', again)
  socket.on('timeout', again)
  socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nconnection: close\r\n\r\n'))
  socket.on('data', () => {
    if (done) return
    done = true
    console.log(now())
    socket.destroy()
  })
}

console.log('up')
createInterface({ input: process.stdin }).on('line', line => knock(...line.split(' ')))
