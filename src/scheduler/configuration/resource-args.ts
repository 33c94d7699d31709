import { isQualifiedName } from '../../base/names.ts'
import type { Ignores } from '../plugins/node-resources-fit.ts'
import {
  leastAllocated,
  mostAllocated,
  requestedToCapacityRatio,
  type ScoringStrategy,
  type ShapePoint,
} from '../plugins/scoring-strategy.ts'
import { BadConfiguration, wholeNumber } from './bad-configuration.ts'

type Given = Record<string, any>

const usual = [{ name: 'cpu' }, { name: 'memory' }]

/** How nodes are rated by what is used of them. @throws BadConfiguration */
export function strategyOf(given: Given | undefined, at: string): ScoringStrategy | undefined {
  if (!given) return undefined
  const { type = 'LeastAllocated' } = given
  const kinds: Record<string, () => Omit<ScoringStrategy, 'resources'>> = {
    LeastAllocated: () => leastAllocated,
    MostAllocated: () => mostAllocated,
    RequestedToCapacityRatio: () =>
      requestedToCapacityRatio(
        shapeOf(given['requestedToCapacityRatio']?.shape, `${at}.requestedToCapacityRatio.shape`),
      ),
  }
  if (!Object.hasOwn(kinds, type))
    throw new BadConfiguration(`${at}.type: ${JSON.stringify(type)} is none of ${Object.keys(kinds).join(', ')}`)
  return { ...kinds[type]!(), resources: weightedResources(given['resources'], `${at}.resources`, 100) }
}

/** Resources by weight, 1 unless given; CPU and memory if there are none. @throws BadConfiguration */
export function weightedResources(given: Given[] | undefined, at: string, most: number): ScoringStrategy['resources'] {
  return (given?.length ? given : usual).map((r: Given, i) => ({
    name: String(r['name']),
    weight: wholeNumber(`${at}[${i}].weight`, r['weight'] || 1, 1, most),
  }))
}

/** Resources whose use is to be balanced: each once, and all count alike. @throws BadConfiguration */
export function balancedResources(given: Given[] | undefined, at: string): string[] {
  const names = weightedResources(given, at, 1).map(r => r.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) throw new BadConfiguration(`${at}: ${twice} is there twice`)
  return names
}

function shapeOf(shape: ShapePoint[] | undefined, at: string): ShapePoint[] {
  const rising = shape?.every((p, i) => !i || p.utilization > shape[i - 1]!.utilization)
  if (!shape?.length || !rising) throw new BadConfiguration(`${at}: needs points of rising utilization`)
  return shape.map((p, i) => ({
    utilization: wholeNumber(`${at}[${i}].utilization`, p.utilization, 0, 100),
    score: wholeNumber(`${at}[${i}].score`, p.score, 0, 10),
  }))
}

/**
 * Which extended resources are not counted: those named, and all of a group (`example.com`).
 * @param others named elsewhere
 * @throws BadConfiguration
 */
export function ignoresOf(
  names: readonly string[],
  groups: readonly string[],
  others: ReadonlySet<string>,
  at: string,
): Ignores {
  checkNames(names, `${at}.ignoredResources`)
  checkNames(groups, `${at}.ignoredResourceGroups`)
  const grouped = groups.find(group => group.includes('/'))
  if (grouped) throw new BadConfiguration(`${at}.ignoredResourceGroups: ${grouped} may not contain "/"`)
  const byName = new Set([...names, ...others])
  const byGroup = new Set(groups)
  return name => isExtended(name) && (byName.has(name) || byGroup.has(name.split('/')[0]!))
}

function checkNames(names: readonly string[], at: string): void {
  for (const [i, name] of names.entries()) {
    const [error] = isQualifiedName(name)
    if (error) throw new BadConfiguration(`${at}[${i}]: ${JSON.stringify(name)}: ${error}`)
  }
}

const isExtended = (name: string) => name.includes('/') && !name.includes('kubernetes.io/')
