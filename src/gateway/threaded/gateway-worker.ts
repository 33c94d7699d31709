import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { codeOf, OptiFlowError } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { systemNet } from '../../base/net.ts'
import { systemRandom } from '../../base/random.ts'
import { listenWeb } from '../../base/web-server.ts'
import type { GatewayMetrics } from '../accounts.ts'
import { EmbeddedPlane } from '../embedded.ts'
import type { Certificate } from '../routing-table.ts'
import { revived } from './portable.ts'
import type { Count, Failure, Level, Numbered, Order, Said } from './protocol.ts'

/*
 * The thread of the gateway: our own proxy, which is told its routes. What the API server has to do meanwhile does not
 * hold up a request.
 */

const port = parentPort!
const say = (said: Said) => port.postMessage(said)
/** Counts are told together. */
const gatherMs = 200

let counts: Count[] = []
const count = (...called: Count): void => {
  if (!counts.length) systemClock.schedule(gatherMs, tellCounts)
  counts.push(called)
}
function tellCounts(): void {
  say({ type: 'counted', counts })
  counts = []
}
const metrics: GatewayMetrics = {
  began: () => count('began'),
  ended: (...args) => count('ended', ...args),
  refused: (...args) => count('refused', ...args),
  tried: (...args) => count('tried', ...args),
}

const plane = new EmbeddedPlane({
  ...{ clock: systemClock, random: systemRandom, net: systemNet, listen: listenWeb, metrics },
  log: logger({}),
  ownCertificate: workerData as Certificate,
})
const used = new Set([80, 443])

port.on('message', async ({ id, order }: Numbered) => {
  try {
    await carryOut(order)
    const ports = [...used].flatMap(p => pairOf(p, plane.realPort(p)))
    say({ type: 'done', id, ports, missing: [...plane.missing] })
  } catch (error) {
    say({ type: 'failed', id, failure: failureOf(error) })
  }
  if (order.type === 'close') port.close()
})

async function carryOut(order: Order): Promise<void> {
  switch (order.type) {
    case 'open':
      return plane.open(order.doors)
    case 'serve':
      for (const port of order.table.ports.keys()) used.add(port)
      return plane.serve(revived(order.table), order.answers)
    case 'certificate':
      return plane.useOwnCertificate(order.certificate)
    case 'close':
      await plane[Symbol.asyncDispose]()
      if (counts.length) tellCounts()
  }
}

const pairOf = (port: number, real: number | undefined): [number, number][] =>
  real === undefined ? [] : [[port, real]]

function logger(fixed: object): Logger {
  const at = (level: Level) => (fields: object, message: string) =>
    say({ type: 'log', level, fields: { ...fixed, ...fields }, message })
  return {
    ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    child: fields => logger({ ...fixed, ...fields }),
  }
}

function failureOf(error: unknown): Failure {
  const { message, cause } = error as Error
  return {
    message,
    ...(error instanceof OptiFlowError ? { hint: error.hint } : {}),
    ...(cause instanceof Error ? { cause: { message: cause.message, code: codeOf(cause) } } : {}),
  }
}
