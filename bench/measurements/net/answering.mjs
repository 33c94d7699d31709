// A server that costs next to nothing: HTTP on port 8080, a short answer, or 1 MB at /big. Writes a line when it listens.
import { createServer } from 'node:net'

const reply = body => Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
const small = reply('hello')
const big = reply('x'.repeat(1 << 20))

createServer(socket => {
  socket.setNoDelay()
  socket.on('error', () => {})
  socket.on('data', data => {
    const asked = data.latin1Slice()
    const answer = asked.startsWith('GET /big') ? big : small
    if (/connection: close/i.test(asked)) socket.end(answer)
    else socket.write(answer)
  })
}).listen(8080, '0.0.0.0', () => console.log('up'))
