import { ByCondition } from '../gpu/conditions.ts'
import { gainsOf, lossOf, type Wanted, wantedBy } from '../gpu/device-choice.ts'
import { deviceMilli } from '../gpu/gpu-request.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { Snapshot } from '../snapshot.ts'

interface State {
  wanted: Wanted
  snapshot: Snapshot
  losses: ByCondition
}

/** How much of a model's price a pod pays. */
const priceWeight = 0.3

/**
 * On clusters that share devices: the less a placement takes away from the pods to come, the better.
 *
 *     lost  = V(node before) − milli − V(node after)      thousandths of devices
 *     paid  = 0.3 · milli · price(model of the node's devices)
 *     score = 100 · max(0, 1 − (lost + paid − the least of any node) / 1000)
 *
 * V is the expected use of the node's free devices by pods like those seen so far (gpu/fill-value.ts), price the part of a
 * model that others depend on (gpu/model-prices.ts). Pods without devices are scored too: CPU that they take from beside
 * devices strands them. Nodes without devices lose nothing.
 *
 * Grown from Weng et al., "Beware of Fragmentation: Scheduling GPU-Sharing Workloads with Fragmentation Gradient Descent"
 * (USENIX ATC '23), which descends the devices that pods of the distribution cannot use at this moment. Here they arrive one
 * after the other, so that CPU which will run out counts before it has. See docs/scheduling-gpu.md.
 */
export const gpuFragmentation: SchedulerPlugin<State> = {
  name: 'GpuFragmentation',
  byShape: true,
  foresees: true,
  prepare: (_pod, snapshot, info) =>
    snapshot.gpus.ledger.size && snapshot.gpus.demand.version
      ? { wanted: wantedBy(info.class), snapshot, losses: new ByCondition() }
      : undefined,
  /** Thousandths that the placement leaves for others, below 0 for what it loses. */
  score: ({ wanted, snapshot, losses }, { index }) =>
    snapshot.gpus.ledger.at(index) ? -lossOf(wanted, index, snapshot, losses) : 0,
  scoreFitting({ wanted, snapshot, losses }, refusal, scores, rows) {
    gainsOf(wanted, snapshot, losses, refusal, scores, rows)
  },
  normalize({ wanted: { request }, snapshot }, scores, rows) {
    if (request) {
      const { ledger } = snapshot.gpus
      const due = priceWeight * request.devices * request.milliEach
      const paid = snapshot.gpus.prices().map(price => due * price)
      for (let i = 0; i < scores.length; i++) {
        const devices = ledger.at(rows[i]!)
        if (devices) scores[i]! -= paid[devices.model]!
      }
    }
    let best = Number.NEGATIVE_INFINITY
    for (let i = 0; i < scores.length; i++) if (scores[i]! > best) best = scores[i]!
    for (let i = 0; i < scores.length; i++) scores[i] = 100 * Math.max(0, 1 - (best - scores[i]!) / deviceMilli)
  },
  wakes: () => false,
}
