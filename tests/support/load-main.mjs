// Asks each target so many times a second until it is told to stop, then prints what came of it. With too many requests under way it waits:
// a machine that is slow gives fewer, and no server's queue runs over.
// Arguments: requests a second for each target, then the targets as JSON: { name, url, host?, keep?, perSecond?, width? }.
import { PlainClient } from './plain-client.mjs'

const [perSecondOfAll, ...targets] = process.argv.slice(2).map(text => JSON.parse(text))
const stepMs = 10
const giveUpMs = 20_000
/** What could not be asked at its time is asked later, but not after so long. */
const catchUpSeconds = 0.5
let open = 0

const loads = targets.map(({ name, url, host, keep, perSecond = perSecondOfAll, width = 8 }) => {
  const client = new PlainClient({ url, host, keep: keep ?? false, timeoutMs: giveUpMs })
  const got = {}
  let own = 0
  let asked = 0
  const errors = []
  const tookMs = []
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
    const startMs = performance.now()
    client.ask(outcome => {
      tookMs.push(performance.now() - startMs)
      if (outcome === 200) note('ok')
      else failed(outcome, at)
    })
  }
  const upTo = seconds => {
    const due = Math.floor(seconds * perSecond)
    while (asked < due && own < width) ask()
    asked = Math.max(asked, due - Math.floor(catchUpSeconds * perSecond))
  }
  return { name, upTo, got, errors, tookMs, close: () => client.close() }
})

const sum = got => Object.values(got).reduce((a, b) => a + b, 0)
const start = performance.now()
const timer = setInterval(() => {
  for (const { upTo } of loads) upTo((performance.now() - start) / 1_000)
}, stepMs)
console.log('asking')
process.once('SIGTERM', () => {
  clearInterval(timer)
  const seconds = (performance.now() - start) / 1_000
  const wait = setInterval(() => {
    if (open > 0) return
    clearInterval(wait)
    for (const { close } of loads) close()
    const { user, system } = process.cpuUsage()
    const requests = loads.reduce((all, { got }) => all + sum(got), 0)
    const processorMicros = Math.round((user + system) / requests)
    const results = loads.map(({ name, got, errors, tookMs }) => {
      tookMs.sort((a, b) => a - b)
      const p99Ms = Math.round(tookMs[Math.floor(tookMs.length * 0.99)] ?? 0)
      const slowestMs = Math.round(tookMs.at(-1) ?? 0)
      return { name, got, errors, perSecond: Math.round(sum(got) / seconds), p99Ms, slowestMs, processorMicros }
    })
    console.log(JSON.stringify(results))
    process.exit(0)
  }, stepMs)
})
