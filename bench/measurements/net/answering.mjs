// A server that costs next to nothing: HTTP on ports 8080 to 8082, a short answer, or 1 MB at /big. Writes a line when it listens.
import { createServer } from 'node:net'

const replyOf = body => Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
const small = replyOf('hello')
const big = replyOf('x'.repeat(1 << 20))

const answer = socket => {
  socket.setNoDelay()
  socket.on('error', () => {})
  socket.on('data', data => {
    const asked = data.latin1Slice()
    const reply = asked.startsWith('GET /big') ? big : small
    if (/connection: close/i.test(asked)) socket.end(reply)
    else socket.write(reply)
  })
}
const listen = port => new Promise(done => createServer(answer).listen(port, '0.0.0.0', done))
await Promise.all([8080, 8081, 8082].map(listen))
console.log('up')
