import type { SchedulerPlugin } from '../plugin.ts'
import { optionalPlugins, type WeightedPlugin } from '../plugins/index.ts'
import { BadConfiguration } from './bad-configuration.ts'

interface PluginSet {
  enabled?: { name: string; weight?: number }[]
  disabled?: { name: string }[]
}
export type PluginSets = Record<string, PluginSet>

/** Steps of scheduling that plugins of ours take part in; what they do at the others belongs to these. */
const points = ['multiPoint', 'preFilter', 'filter', 'postFilter', 'preScore', 'score', 'reserve', 'preBind']
/** Done by the scheduler itself, whoever names it. */
const always = ['PrioritySort', 'DefaultBinder', 'SchedulingGates']
const preemption = 'DefaultPreemption'
/** Parts of other plugins here. */
const within = ['EBSLimits', 'GCEPDLimits', 'AzureDiskLimits']
const elsewhere = ['queueSort', 'preEnqueue', 'permit', 'bind', 'postBind']

export interface ChosenPlugins {
  plugins: WeightedPlugin[]
  preempts: boolean
}

/** The rules that are left when some are switched on and off as Kubernetes' configuration does. @throws BadConfiguration */
export function choosePlugins(all: readonly WeightedPlugin[], sets: PluginSets, at: string): ChosenPlugins {
  for (const point of Object.keys(sets))
    if (!points.includes(point) && !elsewhere.includes(point))
      throw new BadConfiguration(`${at}.${point}: is none of ${[...points, ...elsewhere].join(', ')}`)
  const known = new Set([...all.map(w => w.plugin.name), ...always, ...within, preemption])
  for (const [point, set] of Object.entries(sets))
    for (const { name } of [...(set.enabled ?? []), ...(set.disabled ?? [])])
      if (name !== '*' && !known.has(name))
        throw new BadConfiguration(`${at}.${point}: there is no plugin ${JSON.stringify(name)}`, {
          hint: `Plugins: ${[...known].join(', ')}. Rules of your own: "optiflow scheduler plugins add".`,
        })
  const isOn = (name: string, ...where: string[]) => where.every(point => onAt(sets[point], name))
  const plugins = all.flatMap(({ plugin, weight }) => {
    const { name } = plugin
    const weights = ['multiPoint', 'score'].flatMap(p => sets[p]?.enabled?.find(e => e.name === name)?.weight ?? [])
    const filters = isOn(name, 'multiPoint', 'preFilter', 'filter') || enabledAt(sets, name, 'preFilter', 'filter')
    const scores = isOn(name, 'multiPoint', 'preScore', 'score') || enabledAt(sets, name, 'preScore', 'score')
    if (isOptional(name) && !enabledAt(sets, name, 'multiPoint', 'preScore', 'score')) return []
    if (!filters && !scores) return []
    return [{ plugin: filters ? plugin : withoutFilter(plugin), weight: scores ? (weights.at(-1) ?? weight) : 0 }]
  })
  return {
    plugins,
    preempts: isOn(preemption, 'multiPoint', 'postFilter') || enabledAt(sets, preemption, 'postFilter'),
  }
}

const isOptional = (name: string) => optionalPlugins.some(w => w.plugin.name === name)

/** What is switched on by name stays, even beside a disabled `*`. */
function onAt(set: PluginSet | undefined, name: string): boolean {
  if (set?.enabled?.some(e => e.name === name)) return true
  return !set?.disabled?.some(d => d.name === name || d.name === '*')
}

/** Named at one of these steps, which counts more than what is said of all steps. */
function enabledAt(sets: PluginSets, name: string, ...where: string[]): boolean {
  return where.some(point => sets[point]?.enabled?.some(e => e.name === name))
}

function withoutFilter(plugin: SchedulerPlugin): SchedulerPlugin {
  const { filter: _, refuseRows: __, refuseAll: ___, candidates: ____, evictionHelps: _____, ...rest } = plugin
  return rest
}
