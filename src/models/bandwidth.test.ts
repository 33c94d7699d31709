import { describe, expect, it } from 'vitest'
import { bandwidthOf } from './bandwidth.ts'

describe("a pod's bandwidth", () => {
  const of = (ingress: string) => bandwidthOf({ 'kubernetes.io/ingress-bandwidth': ingress })

  it('is what its annotations say, in bits a second', () => {
    const both = { 'kubernetes.io/ingress-bandwidth': '1M', 'kubernetes.io/egress-bandwidth': '512Ki' }
    expect(bandwidthOf(both)).toEqual({ ingress: 1_000_000, egress: 524_288 })
    expect(bandwidthOf({})).toEqual({ ingress: undefined, egress: undefined })
  })

  it('is at least 1k and at most 1P, as in Kubernetes', () => {
    expect([of('1k').ingress, of('1P').ingress]).toEqual([1e3, 1e15])
    expect(() => of('999')).toThrow('"999" is unreasonably small (< 1kbit)')
    expect(() => of('2P')).toThrow('"2P" is unreasonably large (> 1Pbit)')
  })

  it('is refused where it is no quantity, with the name of the annotation', () => {
    expect(() => of('10Mbit')).toThrow('annotation kubernetes.io/ingress-bandwidth: "10Mbit" is no quantity')
  })
})
