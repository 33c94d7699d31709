import { createSigningRequest } from '../../../src/base/certificates.ts'
import type { Side } from '../side.ts'
import { coreObjects } from './core-objects.ts'
import { type Exhibit, namespace } from './exhibit.ts'
import { groupObjects } from './group-objects.ts'

/** What both servers are given to show. */
export async function gallery(): Promise<Exhibit[]> {
  const { request } = await createSigningRequest({ commonName: 'compare' })
  return [...coreObjects, ...groupObjects(request)].map(([at, name, body, status]) => {
    const [group, version, plural, own] = at.split('/')
    const root = group ? `/apis/${group}/${version}` : `/api/${version}`
    return {
      path: `${root}/${own === '' ? `namespaces/${namespace}/` : ''}${plural}`,
      body: { ...body, metadata: { ...body.metadata, name } },
      ...(status ? { status } : {}),
    }
  })
}

/** Makes them all. What is refused is told by the reads: it is not there. */
export async function hang(side: Side, exhibits: readonly Exhibit[]): Promise<void> {
  if (side.kept.has('gallery')) return
  side.kept.set('gallery', true)
  await side.json('POST', '/api/v1/namespaces', { metadata: { name: namespace } })
  await side.json('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'default' } })
  for (const { path, body, status } of exhibits) {
    const made = await side.ask({ method: 'POST', path, body })
    if (made.status !== 201) console.log(`${side.name}: ${path}/${body.metadata.name}: ${made.text.slice(0, 300)}`)
    if (!status) continue
    const type = 'application/merge-patch+json'
    const told = await side.ask({
      method: 'PATCH',
      path: `${path}/${body.metadata.name}/status`,
      body: { status },
      type,
    })
    if (told.status !== 200)
      console.log(`${side.name}: ${path}/${body.metadata.name}/status: ${told.text.slice(0, 300)}`)
  }
}
