// `npm run check`: types, lint and layers, and beside them the fast tests. What fails is told again at the end.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** Output of a check that goes well is not worth a line; the tests' is shown as it comes. */
function run(script, { shown = false, more = [] } = {}) {
  const child = spawn('npm', ['run', '-s', script, ...(more.length ? ['--', ...more] : [])], {
    cwd: root,
    // Colours of 6,000 dots are for a terminal alone.
    env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }) },
    stdio: ['ignore', shown ? 'inherit' : 'pipe', shown ? 'inherit' : 'pipe'],
  })
  const output = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => output.push(chunk))
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', code => done({ script, ok: code === 0, output: Buffer.concat(output) }))
  })
}

async function inTurn(scripts) {
  const results = []
  for (const script of scripts) results.push(await run(script))
  return results
}

const [quick, tests] = await Promise.all([
  inTurn(['types', 'lint', 'layers']),
  run('test:fast', { shown: true, more: ['--reporter=dot'] }),
])
const failed = [...quick, tests].filter(result => !result.ok)
for (const { script, output } of failed) {
  process.stderr.write(`\n${script} failed (npm run ${script})\n`)
  process.stderr.write(output)
}
process.exit(failed.length ? 1 : 0)
