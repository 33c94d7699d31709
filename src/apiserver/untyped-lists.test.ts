import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cronTab, cronTabObject } from './custom/testing/cron-tab.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const tabs = '/apis/stable.example.com/v1/namespaces/default/crontabs'
const maps = '/api/v1/namespaces/default/configmaps'
const partialList = { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' }
const otherTable = { accept: 'application/json;as=Table;v=v2;g=meta.k8s.io' }

describe('as kube-apiserver answers', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
    const watching = await server.watch(`${crds}?watch=1`)
    await server.call('POST', crds, cronTab())
    for (;;) {
      const { object } = await watching.next()
      if (object.status.conditions?.some((c: any) => c.type === 'Established' && c.status === 'True')) break
    }
    watching.end()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('a list of custom resources says that nothing follows, one of a kind of its own does not', async () => {
    const { metadata, items } = (await server.call('GET', tabs)).body
    expect([metadata, items]).toEqual([{ resourceVersion: expect.any(String), continue: '' }, []])
    expect((await server.call('GET', maps)).body.metadata).toEqual({ resourceVersion: expect.any(String) })
  })

  test('a list of metadata without any is null', async () => {
    for (const path of [tabs, `${maps}?labelSelector=none`])
      expect((await server.call('GET', path, undefined, partialList)).body.items).toBeNull()
  })

  test('a watch of custom resources that begins with all there is ends that with untyped metadata and an untyped list', async () => {
    const watching = await server.watch(`${tabs}?watch=1&allowWatchBookmarks=true`)
    const { object } = await watching.next()
    watching.end()
    const { annotations, ...metadata } = object.metadata
    expect(metadata).toEqual({ resourceVersion: expect.any(String) })
    const list = Buffer.from(annotations['kubernetes.io/initial-events-list-blueprint'], 'base64').toString()
    expect(list).toBe('{"apiVersion":"stable.example.com/v1","items":[],"kind":"CronTabList"}\n')
  })

  test('a watch reads its limit, and a time limit that is empty is none', async () => {
    const refused = (text: string) => ({ code: 400, message: `strconv.ParseInt: parsing "${text}": invalid syntax` })
    expect((await server.call('GET', `${maps}?watch=1&limit=x`)).body).toMatchObject(refused('x'))
    expect((await server.call('GET', `${maps}?timeoutSeconds=`)).body).toMatchObject(refused(''))
  })

  test('who reads no form of an object is refused before it is looked for, or made', async () => {
    const message =
      'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'
    const asked = [
      await server.call('GET', `${tabs}/none`, undefined, otherTable),
      await server.call('GET', `${maps}/none`, undefined, otherTable),
      await server.call('POST', tabs, cronTabObject('a'), otherTable),
    ]
    for (const { body } of asked) expect(body).toMatchObject({ code: 406, message })
    expect((await server.call('GET', tabs)).body.items).toEqual([])
  })
})
