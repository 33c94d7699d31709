import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Store } from '../../db/store.ts'
import { startTestServer, type TestServer } from './test-server.ts'

const url = '/api/v1/namespaces/default/configmaps'

const pageExpired =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'

/**
 * What every engine's API answers of revisions that are forgotten: what clients take as the word to list again, in the words of
 * kube-apiserver 1.32.
 * @param open opens an empty store
 */
export function expiryRules(name: string, open: () => Promise<Store>): void {
  describe(`what is forgotten, on ${name}`, () => {
    let first: TestServer
    /** Another server of the same store: what it shows of the past it has from there, not from its own memory. */
    let server: TestServer
    beforeEach(async () => {
      first = await startTestServer({ store: await open() })
      server = first
    })
    afterEach(async () => {
      if (server !== first) await server.api.close()
      await first[Symbol.asyncDispose]()
    })

    const make = async (name: string) => {
      const { body } = await first.call('POST', url, { metadata: { name } })
      return body.metadata.resourceVersion as string
    }
    /** Forgets all that was before the newest revision. */
    const forget = async () => {
      const oldest = await first.store.compact(await first.store.revision())
      server = await startTestServer({ store: first.store })
      return String(oldest)
    }
    const expired = (message: string) => ({ kind: 'Status', status: 'Failure', message, reason: 'Expired', code: 410 })
    const namesOf = (list: { items: { metadata: { name: string } }[] }) => list.items.map(i => i.metadata.name)

    it('a watch begins, says so in its first event, and ends', async () => {
      const old = await make('a')
      await make('b')
      await make('c')
      const oldest = await forget()
      for (const query of [`resourceVersion=${old}`, `resourceVersion=${old}&allowWatchBookmarks=true`]) {
        const watching = await server.watch(`${url}?watch=1&${query}`)
        expect(watching.status).toBe(200)
        const message = `too old resource version: ${old} (${oldest})`
        expect(await watching.next()).toMatchObject({ type: 'ERROR', object: expired(message) })
        expect(await watching.next()).toBeUndefined()
      }
    })

    it('a watch from the oldest revision that is kept goes on as if nothing had been', async () => {
      await make('a')
      const from = await make('b')
      await first.store.compact(BigInt(from))
      await make('c')
      server = await startTestServer({ store: first.store })
      const watching = await server.watch(`${url}?watch=1&resourceVersion=${from}`)
      expect(await watching.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'c' } } })
      watching.end()
    })

    it('a page is refused with a token that goes on from what is now', async () => {
      for (const name of ['a', 'b', 'c']) await make(name)
      const page = (await first.call('GET', `${url}?limit=1`)).body
      await make('d')
      await forget()
      const { body } = await server.call('GET', `${url}?limit=1&continue=${page.metadata.continue}`)
      expect(body).toMatchObject(expired(pageExpired))
      const rest = (await server.call('GET', `${url}?limit=2&continue=${body.metadata.continue}`)).body
      expect(namesOf(rest)).toEqual(['b', 'c'])
      const last = (await server.call('GET', `${url}?limit=2&continue=${rest.metadata.continue}`)).body
      expect([namesOf(last), last.metadata.continue]).toEqual([['d'], undefined])
    })

    it('a list of exactly that revision is refused, and one that may be newer is not', async () => {
      const old = await make('a')
      await make('b')
      await forget()
      for (const query of [
        `resourceVersionMatch=Exact&resourceVersion=${old}`,
        `limit=1&resourceVersion=${old}`,
        `resourceVersionMatch=Exact&resourceVersion=${old}&labelSelector=a%3Db`,
      ])
        expect((await server.call('GET', `${url}?${query}`)).body).toMatchObject(
          expired('The resourceVersion for the provided list is too old.'),
        )
      for (const query of [`resourceVersion=${old}`, `resourceVersionMatch=NotOlderThan&resourceVersion=${old}`]) {
        const { status, body } = await server.call('GET', `${url}?${query}`)
        expect([status, namesOf(body)]).toEqual([200, ['a', 'b']])
      }
    })

    it('the past is refused with how far back it goes', async () => {
      const old = await make('a')
      await make('b')
      const oldest = await forget()
      const message = `asOf: history goes back to revision ${oldest}; what was before is no longer kept`
      for (const path of [url, `${url}/a`])
        expect((await server.call('GET', `${path}?asOf=${old}`)).body).toMatchObject(expired(message))
      expect(namesOf((await server.call('GET', `${url}?asOf=${oldest}`)).body)).toEqual(['a', 'b'])
    })
  })
}
