// Asks a DNS server on 127.0.0.1 for names, so many in flight; writes queries a second and the 99th percentile in milliseconds.
// node asking.mjs PORT COUNT WIDTH NAME…
import { createSocket } from 'node:dgram'
import { encode } from 'dns-packet'

const [port, count, width, ...names] = process.argv.slice(2)
const total = Number(count)
const queries = names.map(name => encode({ type: 'query', id: 0, flags: 256, questions: [{ type: 'A', name }] }))
const socket = createSocket('udp4')
const began = new Map()
const each = []
let next = 0

function ask() {
  if (next >= total) return
  const id = next % 65_536
  const query = Buffer.from(queries[next++ % queries.length])
  query.writeUInt16BE(id)
  began.set(id, performance.now())
  socket.send(query, Number(port), '127.0.0.1')
}

const start = performance.now()
socket.on('message', message => {
  const id = message.readUInt16BE(0)
  const since = began.get(id)
  if (since === undefined) return
  began.delete(id)
  each.push(performance.now() - since)
  if (each.length < total) return ask()
  each.sort((a, b) => a - b)
  const seconds = (performance.now() - start) / 1_000
  console.log(JSON.stringify({ rate: total / seconds, p99: each[Math.floor(total * 0.99)] }))
  socket.close()
})
socket.bind(0, '127.0.0.1', () => {
  for (let i = 0; i < Number(width); i++) ask()
})
