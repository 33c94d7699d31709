/**
 * What runs in the thread of a plugin: it loads the plugin into a context of its own, without Node's modules, and answers
 * questions about one pod and some nodes. Written as text so that it needs no file beside a bundle.
 */
export const workerSource = `
const { parentPort, workerData } = require('node:worker_threads')
const { createContext, runInContext } = require('node:vm')
const { source, name, flag: shared, port } = workerData
const flag = new Int32Array(shared)
const quiet = () => {}
const module_ = { exports: {} }
const context = createContext(
  { module: module_, exports: module_.exports, console: { log: quiet, warn: quiet, error: quiet } },
  { codeGeneration: { strings: false, wasm: false } },
)
const explain = error => String(error?.message ?? error)
let plugin
try {
  runInContext(source, context, { filename: name, timeout: 1000 })
  plugin = module_.exports.default ?? module_.exports
  if (typeof plugin.filter !== 'function' && typeof plugin.score !== 'function')
    throw new Error('its default export has neither filter(pod, node) nor score(pod, node)')
  parentPort.postMessage({ filters: typeof plugin.filter === 'function', scores: typeof plugin.score === 'function' })
} catch (error) {
  parentPort.postMessage({ error: explain(error) })
}
const answer = (pod, node) => {
  const refusal = plugin.filter?.(pod, node)
  if (refusal !== undefined && refusal !== null) return [String(refusal), 0]
  const score = plugin.score ? Number(plugin.score(pod, node)) : 0
  return [undefined, Number.isFinite(score) ? Math.min(Math.max(score, 0), 100) : 0]
}
parentPort.on('message', ({ id, pod, nodes }) => {
  let reply
  try {
    reply = { id, answers: nodes.map(node => answer(pod, node)) }
  } catch (error) {
    reply = { id, error: explain(error) }
  }
  port.postMessage(reply)
  Atomics.store(flag, 0, id)
  Atomics.notify(flag, 0)
})
`
