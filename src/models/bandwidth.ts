import { OptiFlowError } from '../base/errors.ts'
import { quantityToNumber } from '../base/quantity.ts'

/** Annotations ask for a bandwidth that cannot be. */
export class BandwidthInvalid extends OptiFlowError {}

/** Of a pod, in bits a second; undefined: as fast as it goes. */
export interface Bandwidth {
  ingress: number | undefined
  egress: number | undefined
}

/** Holds a pod to a bandwidth. @param netns path of the pod's network namespace */
export type LimitBandwidth = (netns: string, bandwidth: Bandwidth) => Promise<void>

const smallest = 1e3
const largest = 1e15

/** What a pod asks for. @throws BandwidthInvalid for what is no quantity, or outside 1k to 1P */
export function bandwidthOf(annotations: Record<string, string>): Bandwidth {
  const rate = (direction: 'ingress' | 'egress'): number | undefined => {
    const name = `kubernetes.io/${direction}-bandwidth`
    const text = annotations[name]
    if (text === undefined) return undefined
    const hint = 'Write bits a second, such as 10M.'
    const wrong = (why: string) => new BandwidthInvalid(`annotation ${name}: ${JSON.stringify(text)} ${why}`, { hint })
    const bits = numberOf(text)
    if (bits === undefined) throw wrong('is no quantity')
    if (bits < smallest) throw wrong('is unreasonably small (< 1kbit)')
    if (bits > largest) throw wrong('is unreasonably large (> 1Pbit)')
    return bits
  }
  return { ingress: rate('ingress'), egress: rate('egress') }
}

function numberOf(text: string): number | undefined {
  try {
    return quantityToNumber(text)
  } catch {
    return undefined
  }
}
