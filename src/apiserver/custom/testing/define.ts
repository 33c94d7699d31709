import type { TestServer } from '../../testing/test-server.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** Creates a definition and waits until it is established. */
export async function define(server: TestServer, crd: any): Promise<any> {
  const made = await server.call('POST', crds, crd)
  if (made.status !== 201) throw new Error(made.body.message)
  return until(server, crd.metadata.name, seen =>
    seen?.status.conditions?.some((c: any) => c.type === 'Established' && c.status === 'True'),
  )
}

/** Watches a definition until it is as wanted; `undefined` once it is gone. */
export async function until(server: TestServer, name: string, wanted: (crd: any) => boolean): Promise<any> {
  const watching = await server.watch(`${crds}?watch=1&fieldSelector=metadata.name%3D${name}`)
  try {
    // What is gone already has no event any more.
    if ((await server.call('GET', `${crds}/${name}`)).status === 404 && wanted(undefined)) return undefined
    for (;;) {
      const { type, object } = await watching.next()
      const crd = type === 'DELETED' ? undefined : object
      if (wanted(crd)) return crd
    }
  } finally {
    watching.end()
  }
}
