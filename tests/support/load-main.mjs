// Asks each target so many times a second until it is told to stop, then prints what came of it. With too many requests under way it waits:
// a machine that is slow gives fewer, and no server's queue runs over.
// Arguments: requests a second for each target, then the targets as JSON: { name, url, host?, keep? }.
import { Agent, get } from 'node:http'

const [perSecond, ...targets] = process.argv.slice(2).map(text => JSON.parse(text))
const stepMs = 10
const giveUpMs = 20_000
/** Under way at once, for each target. */
const width = 8
let open = 0

const loads = targets.map(({ name, url, host, keep }) => {
  const agent = new Agent({ keepAlive: keep ?? false, maxSockets: 256 })
  const got = {}
  let own = 0
  let asked = 0
  const errors = []
  const note = what => {
    got[what] = (got[what] ?? 0) + 1
    open--
    own--
  }
  const failed = (what, at) => {
    if (errors.length < 20) errors.push(`${what} at ${at.toISOString()}`)
    note(what)
  }
  const ask = () => {
    open++
    own++
    asked++
    const at = new Date()
    const request = get(url, { agent, timeout: giveUpMs, headers: host ? { host } : {} }, response => {
      response.resume()
      response.on('end', () => (response.statusCode === 200 ? note('ok') : failed(response.statusCode, at)))
      response.on('error', error => failed(`in the answer: ${error.code}`, at))
    })
    request.on('timeout', () => request.destroy(Object.assign(new Error('no answer'), { code: 'no answer' })))
    request.on('error', error => failed(error.code ?? error.message, at))
  }
  const upTo = due => {
    while (asked < due && own < width) ask()
    // What could not be asked is not made up for.
    asked = Math.max(asked, due)
  }
  return { name, upTo, got, errors }
})

const sum = got => Object.values(got).reduce((a, b) => a + b, 0)
const start = performance.now()
const timer = setInterval(() => {
  const due = Math.floor(((performance.now() - start) / 1_000) * perSecond)
  for (const { upTo } of loads) upTo(due)
}, stepMs)
console.log('asking')
process.once('SIGTERM', () => {
  clearInterval(timer)
  const seconds = (performance.now() - start) / 1_000
  const wait = setInterval(() => {
    if (open > 0) return
    clearInterval(wait)
    const results = loads.map(({ name, got, errors }) => ({
      name,
      got,
      errors,
      perSecond: Math.round(sum(got) / seconds),
    }))
    console.log(JSON.stringify(results))
    process.exit(0)
  }, stepMs)
})
