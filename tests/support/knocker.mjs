// Asks one URL again and again, each time over a new connection, until its standard input ends; then prints what came back:
// {"answers": {"<first two words>": count}, "failures": ["<ms since start> <reason>"], "slowestMs": n}.   knocker.mjs URL EVERY_MS
import { get } from 'node:http'

const [url, everyMs] = process.argv.slice(2)
const startedMs = performance.now()
const answers = {}
const failures = []
let slowestMs = 0
let underWay = 0
let over = false

function knock() {
  const askedMs = performance.now()
  underWay++
  const done = failure => {
    underWay--
    if (failure) failures.push(`${Math.round(askedMs - startedMs)} ${failure}`)
    else slowestMs = Math.max(slowestMs, Math.round(performance.now() - askedMs))
    if (over && underWay === 0) finish()
  }
  let settled = false
  const once = failure => {
    if (settled) return
    settled = true
    done(failure)
  }
  const request = get(url, { agent: false, timeout: 4000 }, response => {
    let body = ''
    response.on('data', chunk => (body += chunk))
    response.on('end', () => {
      if (response.statusCode !== 200) return once(`status ${response.statusCode}`)
      const words = body.split(' ').slice(0, 2).join(' ')
      answers[words] = (answers[words] ?? 0) + 1
      once()
    })
    response.on('error', error => once(error.code ?? error.message))
  })
  request.on('timeout', () => request.destroy(new Error('no answer within 4 s')))
  request.on('error', error => once(error.code ?? error.message))
}

function finish() {
  console.log(JSON.stringify({ answers, failures, slowestMs }))
  process.exit()
}

const timer = setInterval(knock, Number(everyMs))
console.log('knocking')
process.stdin
  .on('end', () => {
    clearInterval(timer)
    over = true
    if (underWay === 0) finish()
  })
  .resume()
