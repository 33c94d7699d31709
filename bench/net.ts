/**
 * What Services, rules and DNS of one node cost, by real packets between network namespaces, in one piece:
 *
 *   npx tsx bench/net.ts
 *
 * Needs root, nft and wrk. `npm run bench -- --only net --write` puts the same rows into docs/performance.md.
 */
import { net } from './measurements/net/index.ts'
import { loadText, machineText } from './support/machine.ts'

// The system clock's timers do not keep a process alive; this one does.
const keepAlive = setInterval(() => {}, 1_000)
console.log(`${machineText()}; ${await loadText()}\n`)
for await (const { what, value, goal, reached, note } of net.run()) {
  console.log(`${what.padEnd(50)} ${value}${goal ? `  goal ${goal}: ${reached ? 'reached' : 'NOT REACHED'}` : ''}`)
  if (note) console.log(`  ${note}`)
}
clearInterval(keepAlive)
