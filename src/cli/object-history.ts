import type { HistoryItem } from '../models/history/item.ts'
import { chooseTargets } from './commands/get.ts'
import type { Remote } from './connection.ts'
import { UsageError } from './failure.ts'
import { discover, pathOf } from './resource-names.ts'

const pageSize = 200

/**
 * The revisions of one object, newest first.
 * @param names `deploy/web`, or `deploy` and `web`
 * @throws UsageError unless it is one object
 */
export async function readHistory(remote: Remote, names: string[], limit: number): Promise<HistoryItem[]> {
  const [first = '', ...rest] = names
  const [target, ...others] = chooseTargets(await discover(remote), first, rest)
  if (!target?.name || others.length) throw new UsageError('name one object, such as deploy/web')
  const path = pathOf(target.resource, remote.namespace, target.name)
  const items: HistoryItem[] = []
  let before: string | undefined
  do {
    const size = Math.min(pageSize, limit - items.length)
    const query = `history=true&limit=${size}${before ? `&before=${before}` : ''}`
    const page = await remote.json<{ metadata: { before?: string }; items: HistoryItem[] }>('GET', `${path}?${query}`)
    items.push(...page.items)
    before = page.metadata.before
  } while (before && items.length < limit)
  return items
}
