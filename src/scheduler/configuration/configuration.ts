import { type ExtenderRules, readExtender } from '../extenders/extender-rules.ts'
import { defaultProfile, optionalPlugins, type Profile } from '../plugins/index.ts'
import { BadConfiguration } from './bad-configuration.ts'
import { pluginWith, preemptionWith } from './plugin-args.ts'
import { choosePlugins, type PluginSets } from './plugin-sets.ts'

export { BadConfiguration } from './bad-configuration.ts'

export interface SchedulerConfiguration {
  profiles: Profile[]
  extenders: ExtenderRules[]
}

/** Of the rest of Kubernetes' form: it is about how the process runs, and settings of ours say that. */
const aboutProcess = [
  'clientConnection',
  'leaderElection',
  'enableProfiling',
  'enableContentionProfiling',
  'parallelism',
]
const ours = ['apiVersion', 'kind', 'profiles', 'extenders']
/** Every node is always asked, and back-off is what Kubernetes' is by default. */
const fixed: Record<string, unknown> = {
  percentageOfNodesToScore: 100,
  podInitialBackoffSeconds: 1,
  podMaxBackoffSeconds: 10,
  delayCacheUntilActive: false,
}

/**
 * A KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1) as profiles and extenders.
 * @throws BadConfiguration naming the field and what it may be
 */
export function readConfiguration(value: any): SchedulerConfiguration {
  if (value?.apiVersion !== 'kubescheduler.config.k8s.io/v1' || value.kind !== 'KubeSchedulerConfiguration')
    throw new BadConfiguration(
      'the scheduler’s configuration is not a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1',
      { hint: 'Begin it with "apiVersion: kubescheduler.config.k8s.io/v1" and "kind: KubeSchedulerConfiguration".' },
    )
  for (const [field, given] of Object.entries(value)) {
    if (ours.includes(field) || aboutProcess.includes(field) || fixed[field] === given || given === 0) continue
    const means = field in fixed ? `is always ${fixed[field]} here` : 'is not known'
    throw new BadConfiguration(`${field}: ${means}`, { hint: 'Leave it out.' })
  }
  const extenders: ExtenderRules[] = (value.extenders ?? []).map(readExtender)
  const ignored = new Set(extenders.flatMap(e => e.ignoredResources))
  const profiles: Profile[] = (value.profiles ?? [{}]).map((p: any, i: number) => profileOf(p, i, ignored))
  const names = profiles.map(p => p.schedulerName)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice) throw new BadConfiguration(`profiles: two have the schedulerName ${twice}`)
  return { profiles, extenders }
}

function profileOf(given: any, i: number, ignored: ReadonlySet<string>): Profile {
  const at = `profiles[${i}]`
  const { schedulerName = defaultProfile.schedulerName, plugins: sets = {}, pluginConfig = [] } = given
  const args = new Map<string, any>(pluginConfig.map((c: any) => [c.name, c.args ?? {}]))
  const all = [...defaultProfile.plugins, ...optionalPlugins].map(weighted => {
    const { name } = weighted.plugin
    const own = args.get(name) ?? (name === 'NodeResourcesFit' && ignored.size ? {} : undefined)
    args.delete(name)
    return own ? { ...weighted, plugin: pluginWith(name, own, `${at}.pluginConfig[${name}].args`, ignored) } : weighted
  })
  const preemption = args.get('DefaultPreemption')
  args.delete('DefaultPreemption')
  const enoughCandidates = preemption && preemptionWith(preemption, `${at}.pluginConfig[DefaultPreemption].args`)
  const [left] = args.keys()
  if (left !== undefined) pluginWith(left, args.get(left), `${at}.pluginConfig[${left}].args`, ignored)
  const { plugins, preempts } = choosePlugins(all, sets as PluginSets, `${at}.plugins`)
  return {
    schedulerName,
    plugins,
    ...(preempts ? {} : { preempts }),
    ...(enoughCandidates ? { enoughCandidates } : {}),
  }
}
