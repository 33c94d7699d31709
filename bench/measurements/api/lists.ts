import type { BenchCluster } from '../../support/cluster.ts'
import { type Row, rounded } from '../../support/measurement.ts'
import { processorMs } from '../../support/process-use.ts'
import { podPath, times } from './load.ts'
import { type PodRows, titled } from './rows.ts'

const listGoalMs = 40
const rounds = 7

interface Shape {
  what: string
  query?: string
  accept?: string
  goalMs?: number
}

const shapes: Shape[] = [
  { what: 'list of all', goalMs: listGoalMs },
  { what: 'list of all, protobuf', accept: 'application/vnd.kubernetes.protobuf' },
  { what: 'list, 500 a page', query: 'limit=500' },
  { what: 'list as a table', accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
  { what: 'list, one label in a hundred', query: 'labelSelector=tier%3Dt7' },
]

/** The same pods, listed in each of the ways that clients list them. */
export async function* lists(cluster: BenchCluster, rows: PodRows, pods: number): AsyncIterable<Row> {
  for (const shape of shapes) yield await measure(cluster, shape, rows, pods)
}

async function measure(cluster: BenchCluster, shape: Shape, rows: PodRows, pods: number): Promise<Row> {
  await listAll(cluster, rows, shape)
  const each: number[] = []
  let bytes = 0
  const before = processorMs(cluster.pid)
  for (let i = 0; i < rounds; i++) {
    const start = performance.now()
    bytes = await listAll(cluster, rows, shape)
    each.push(performance.now() - start)
  }
  const serverMs = (processorMs(cluster.pid).main - before.main) / rounds
  return {
    what: titled(rows, `${shape.what} (${rounded(pods)} pods)`),
    value: `${rounded(serverMs)} ms of the server's main thread, ${rounded(bytes / 1e6, 1)} MB`,
    ...(shape.goalMs && rows.judged ? { goal: `≤ ${shape.goalMs} ms`, reached: serverMs <= shape.goalMs } : {}),
    note: `at the client, which reads it too: ${times(each)}`,
  }
}

/** @returns bytes of all pages */
async function listAll(cluster: BenchCluster, rows: PodRows, { query = '', accept }: Shape): Promise<number> {
  let bytes = 0
  let next = ''
  do {
    const { status, body } = await cluster.api.request(
      'GET',
      `${podPath(rows.name)}?${query}${next}`,
      undefined,
      accept,
    )
    if (status !== 200) throw new Error(`the list answered ${status}: ${body.toString().slice(0, 200)}`)
    bytes += body.length
    const token = query.includes('limit')
      ? /"continue":"([^"]+)"/.exec(body.toString('latin1', 0, 400))?.[1]
      : undefined
    next = token ? `&continue=${token}` : ''
  } while (next)
  return bytes
}
