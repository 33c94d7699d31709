import { explainServicePath, type ServicePath, type ServiceWorld } from '../../discovery/index.ts'
import { type End, explainConnection, explainWay, type NodeReport, type PolicyWorld } from '../../network/index.ts'
import { listenerStage, podStage, readiness } from './ends.ts'
import { type Branch, type CheckedPath, type Stage, stage } from './stage.ts'
import { policyStages } from './verdicts.ts'

/** Where a connection goes: a Service, or one end. */
export type Target = { service: { namespace: string; name: string } } | { end: End }

/** All that is known of the way. */
export interface PathFacts {
  from: End
  to: Target
  port: number
  protocol: 'TCP' | 'UDP' | 'SCTP'
  cluster: ServiceWorld
  policies: PolicyWorld
  /** By name of node; at least those of the two ends. */
  reports: ReadonlyMap<string, NodeReport>
}

/** Endpoints whose ways are looked at one by one; of more the first ones stand for all. */
const mostBranches = 5
const usualDomain = 'cluster.local'

/** The way of a connection, stage by stage, and where it breaks. Pure. */
export function checkPath(facts: PathFacts): CheckedPath {
  const { from, to, port, protocol } = facts
  const source = podStage('source', from, facts.cluster.nodes)
  const path = 'service' in to ? servicePath(facts, to.service) : undefined
  const stages = [source, ...(path ? serviceStages(path, facts) : [])]
  const ends = path ? endsOf(path) : 'end' in to ? [{ end: to.end, port }] : []
  const branches = ends.slice(0, mostBranches).map(one => branchTo(facts, one.end, one.port))
  const broken = [...stages, ...branches.flatMap(branch => branch.stages)].find(({ state }) => state === 'broken')
  const name = 'service' in to ? `Service ${to.service.namespace}/${to.service.name}` : to.end.name
  return { from: from.name, to: `${name}:${port}`, protocol, stages, branches, ...(broken ? { broken } : {}) }
}

/** The nodes whose reports matter. Pure. */
export function nodesOnTheWay(facts: Omit<PathFacts, 'reports' | 'policies'>): string[] {
  const { from, to } = facts
  const ends = 'service' in to ? endsOf(servicePath(facts, to.service)).map(({ end }) => end) : [to.end]
  const nodes = [from, ...ends.slice(0, mostBranches)].flatMap(({ pod }) => pod?.spec.nodeName || [])
  return [...new Set(nodes)]
}

function servicePath(
  facts: Omit<PathFacts, 'policies' | 'reports'> & Partial<PathFacts>,
  asked: { namespace: string; name: string },
) {
  const { cluster, from, port, protocol } = facts
  const domain = [...(facts.reports?.values() ?? [])].flatMap(r => ('dns' in r ? r.dns.domain : []))[0] ?? usualDomain
  return explainServicePath(cluster, { ...asked, port, protocol, domain, nodeName: from.pod?.spec.nodeName })
}

function endsOf({ endpoints, problem }: ServicePath): { end: End; port: number }[] {
  if (problem) return []
  return endpoints.flatMap(({ used, name, ip, port, pod }) =>
    used && port ? [{ end: { name, ip, ...(pod ? { pod } : {}) }, port }] : [],
  )
}

function serviceStages(path: ServicePath, { from, port, protocol }: PathFacts): Stage[] {
  const { dns, service, problem, endpoints } = path
  const out = [nameStage(path, from)]
  if (!service) return problem ? [...out, stage('service', 'broken', problem.why, { act: problem.act })] : out
  const { type = 'ClusterIP', externalName, clusterIP } = service.spec
  const name = `${service.metadata.namespace}/${service.metadata.name}`
  if (type === 'ExternalName')
    return [
      ...out,
      stage('service', 'unknown', `${name} is another name for ${externalName}: what is there is not ours`),
    ]
  const kind = clusterIP === 'None' ? 'headless' : `${type} ${dns.answers.join(', ')}`
  out.push(
    problem && !endpoints.length
      ? stage('service', 'broken', problem.why, { act: problem.act })
      : stage('service', 'ok', `${name}, ${kind}, port ${port}/${protocol}`),
  )
  if (!endpoints.length) return out
  const used = endpoints.filter(e => e.used)
  const lines = endpoints.map(({ name, ip, port: at, node, pod, used: gets, why }) => {
    const said = !gets && pod ? readiness(pod) : undefined
    const where = `${ip}:${at ?? '?'} ${name === ip ? '' : name}${node ? ` on ${node}` : ''}`
    const state: Stage['state'] = gets ? 'ok' : 'unknown'
    return { state, text: `${where}${why ? `: ${why}${said ? ` (${said})` : ''}` : ''}` }
  })
  const text = problem?.why ?? `${used.length} of ${endpoints.length} get connections`
  const more = { lines, ...(problem ? { act: problem.act } : {}) }
  return [...out, stage('endpoints', problem ? 'broken' : 'ok', text, more)]
}

function nameStage({ dns }: ServicePath, { pod }: End): Stage {
  if (!dns.answers.length) return stage('name', 'unknown', `${dns.name}: DNS says that there is no such name`)
  const policy = pod?.spec.dnsPolicy ?? 'ClusterFirst'
  const asksUs = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !pod?.spec.hostNetwork)
  const text = `${dns.name} → ${dns.answers.join(', ')}`
  if (!pod || asksUs) return stage('name', 'ok', text)
  const act = pod.spec.hostNetwork ? 'Set dnsPolicy: ClusterFirstWithHostNet.' : 'Set dnsPolicy: ClusterFirst.'
  return stage('name', 'unknown', `${text}, but the pod does not ask the cluster's DNS (dnsPolicy ${policy})`, { act })
}

function branchTo(facts: PathFacts, to: End, port: number): Branch {
  const { from, protocol, policies, reports, cluster } = facts
  const explained = explainConnection(policies, { from, to, port, protocol })
  const [out, into] = policyStages(explained, { from, to }, reports)
  const way = explainWay(from, to, reports)
  const target = podStage('target', to, cluster.nodes)
  const state = way.open === undefined ? 'unknown' : way.open ? 'ok' : 'broken'
  const stages = [out!, stage('way', state, way.text, way.act ? { act: way.act } : {}), into!, target]
  const name = `${to.name}${to.ip && to.ip !== to.name ? ` at ${to.ip}` : ''}:${port}`
  // Who is nowhere cannot be reached, whatever else would be so.
  if (target.state === 'broken') return { to: name, stages: [target] }
  return { to: name, stages: to.pod ? [...stages, listenerStage(to.pod, port, protocol)] : stages }
}
