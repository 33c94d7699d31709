import { ByCondition } from '../gpu/conditions.ts'
import { lossOf, type Wanted, wantedBy } from '../gpu/device-choice.ts'
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
  prepare: (_pod, snapshot, info) =>
    snapshot.gpus.ledger.size && snapshot.gpus.demand.version
      ? { wanted: wantedBy(info.class), snapshot, losses: new ByCondition() }
      : undefined,
  /** Thousandths that the placement leaves for others, below 0 for what it loses. */
  score: ({ wanted, snapshot, losses }, { index }) =>
    snapshot.gpus.ledger.at(index) ? -lossOf(wanted, index, snapshot, losses) : 0,
  normalize({ wanted: { request }, snapshot }, scores, fitting) {
    if (request) {
      const { ledger } = snapshot.gpus
      const prices = snapshot.gpus.prices()
      const due = priceWeight * request.devices * request.milliEach
      for (let i = 0; i < scores.length; i++) {
        const devices = ledger.at(fitting[i]!.index)
        if (devices) scores[i]! -= due * prices[devices.model]!
      }
    }
    let best = Number.NEGATIVE_INFINITY
    for (const score of scores) if (score > best) best = score
    for (let i = 0; i < scores.length; i++) scores[i] = 100 * Math.max(0, 1 - (best - scores[i]!) / deviceMilli)
  },
  wakes: () => false,
}
