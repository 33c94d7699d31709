import { quantityOf, quantityOfMillis, quantityToMillis, quantityToNumber } from '../../base/quantity.ts'
import type { RecommendationContainer } from '../../models/types/optiflow-v1.ts'
import type { ContainerHistory } from './container-history.ts'

const dayMs = 24 * 3_600_000
/** What is added to everything that was used. */
const margin = 1.15
/** Less than this no pod is told to ask for; its containers share it. */
const leastMillis = 25
const leastBytes = 250 * 2 ** 20
/** Shares of the weight that are covered. */
const shares = {
  cpu: { lower: 0.5, target: 0.9, upper: 0.95 },
  memory: { lower: 0.5, target: 0.95, upper: 0.99 },
}

type Estimate = Record<'lower' | 'target' | 'upper', { millis: number; bytes: number }>

export interface EstimateOptions {
  containerName: string
  /** How many containers the pod has. */
  containers: number
  /** How often it is measured, in milliseconds. */
  everyMs: number
  /** The container's limits: a target above them could not be used. */
  limits: Record<string, string>
}

/** What the container should ask for; undefined while nothing of it was measured. */
export function recommend(history: ContainerHistory, options: EstimateOptions): RecommendationContainer | undefined {
  if (history.cpu.empty || history.memory.empty) return undefined
  const estimate = estimateOf(history, options)
  const capped = (of: keyof Estimate) => quantities(withinLimits(estimate[of], options.limits))
  return {
    containerName: options.containerName,
    lowerBound: capped('lower'),
    target: capped('target'),
    uncappedTarget: quantities(estimate.target),
    upperBound: capped('upper'),
  }
}

/** Bounds stand far apart at first and close in with every day of measuring, as the VerticalPodAutoscaler's. */
function estimateOf(history: ContainerHistory, { containers, everyMs }: EstimateOptions): Estimate {
  const days = confidence(history, everyMs)
  const factor = { lower: (1 + 0.001 / days) ** -2, target: 1, upper: 1 + 1 / days }
  const amount = (of: keyof typeof factor) => ({
    millis: Math.max(history.cpu.percentile(shares.cpu[of]) * 1_000 * margin * factor[of], leastMillis / containers),
    bytes: Math.max(history.memory.percentile(shares.memory[of]) * margin * factor[of], leastBytes / containers),
  })
  return { lower: amount('lower'), target: amount('target'), upper: amount('upper') }
}

/** Days that were measured without a gap: what is missing counts as not seen. */
function confidence({ firstMs, lastMs, samples }: ContainerHistory, everyMs: number): number {
  return Math.max(Math.min((lastMs - firstMs) / dayMs, (samples * everyMs) / dayMs), 1e-6)
}

function withinLimits(amount: Estimate['target'], limits: Record<string, string>): Estimate['target'] {
  const { cpu, memory } = limits
  return {
    millis: cpu === undefined ? amount.millis : Math.min(amount.millis, quantityToMillis(cpu)),
    bytes: memory === undefined ? amount.bytes : Math.min(amount.bytes, quantityToNumber(memory)),
  }
}

/** As much as histograms tell apart: a bound that is there says that nothing is known yet. */
const mostMillis = 1e6
const mostBytes = 1e12

const quantities = ({ millis, bytes }: Estimate['target']) => ({
  cpu: quantityOfMillis(Math.min(Math.ceil(millis), mostMillis)),
  memory: quantityOf(Math.min(Math.ceil(bytes / 2 ** 20), mostBytes / 2 ** 20) * 2 ** 20, 'BinarySI'),
})
