// A server that costs next to nothing: HTTP on ports 8080 and 8081, a short answer, or 1 MB at /big. Writes a line when it listens.
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
createServer(answer).listen(8080, '0.0.0.0', () =>
  createServer(answer).listen(8081, '0.0.0.0', () => console.log('up')),
)
