import type { NodeNetwork, PolicyCount } from '../../models/node-network.ts'
import type { ConnectionExplanation, End, NodeReport, SideVerdict } from '../../network/index.ts'
import { type Stage, stage } from './stage.ts'

/** What the policies on both sides say of a connection, and how often they have said so. Pure. */
export function policyStages(
  { sides }: ConnectionExplanation,
  { from, to }: { from: End; to: End },
  reports: ReadonlyMap<string, NodeReport>,
): Stage[] {
  return sides.map(side => {
    const end = side.direction === 'egress' ? from : to
    const report = reports.get(end.pod?.spec.nodeName ?? '')
    const seen = report && 'policies' in report ? countText(side, report.policies ?? []) : ''
    const state = (verdict: string) => (verdict === 'denies' ? 'broken' : verdict === 'allows' ? 'ok' : 'unknown')
    const lines = side.policies.map(({ policy, verdict, rule, detail }) => ({
      state: state(verdict) as Stage['state'],
      text: `${policy} ${verdict}${rule ? ` by ${rule}` : ''}: ${detail}`,
    }))
    return stage(side.direction, side.allowed ? 'ok' : 'broken', side.reason + seen, {
      lines,
      ...(side.allowed ? {} : { act: adviceFor(side, end) }),
    })
  })
}

function adviceFor({ direction, policies }: SideVerdict, { name }: End): string {
  const names = policies.map(p => p.policy).join(' or ')
  return `Add a rule to spec.${direction} of ${names || 'a policy'} that lets this ${direction === 'egress' ? 'out of' : 'into'} ${name}.`
}

/** `; 12 connections so far` */
function countText(
  { allowed, direction, policies }: SideVerdict,
  counts: NonNullable<NodeNetwork['policies']>,
): string {
  const found = counts.find(count => count.direction === direction && isAbout(count, allowed, policies))
  if (!found) return ''
  return allowed ? `; ${found.packets} connections let through so far` : `; ${found.packets} packets dropped so far`
}

function isAbout(
  { policies: counted, rule }: PolicyCount,
  allowed: boolean,
  verdicts: SideVerdict['policies'],
): boolean {
  if (!allowed) return rule === undefined && sameNames(counted, verdicts.map(shortName))
  const deciding = verdicts.find(({ verdict }) => verdict === 'allows')
  return (
    deciding !== undefined && deciding.rule?.endsWith(`[${rule}]`) === true && sameNames(counted, [shortName(deciding)])
  )
}

const shortName = ({ policy }: SideVerdict['policies'][number]) => policy.replace(/^NetworkPolicy /, '')

const sameNames = (a: readonly string[], b: readonly string[]) => [...a].sort().join() === [...b].sort().join()
