import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { cronTab } from './testing/cron-tab.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const certificate = (der: string) =>
  Buffer.from(`-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`).toString('base64')
const conversion = (caBundle: string) => ({
  strategy: 'Webhook',
  webhook: {
    conversionReviewVersions: ['v1'],
    clientConfig: { caBundle, service: { namespace: 'default', name: 'converter' } },
  },
})

async function established(): Promise<string[]> {
  for (;;) {
    const { body } = await server.call('GET', `${crds}/crontabs.stable.example.com`)
    const found = body.status?.conditions?.find((c: { type: string }) => c.type === 'Established')
    if (found) return [found.status, found.reason]
  }
}

test('a conversion webhook whose authorities are no certificates keeps a definition from being established', async () => {
  const crd = cronTab()
  await server.call('POST', crds, { ...crd, spec: { ...crd.spec, conversion: conversion('Cg==') } })
  expect(await established()).toEqual(['False', 'InvalidCABundle'])
  const put = async (caBundle: string) => {
    const { body } = await server.call('GET', `${crds}/crontabs.stable.example.com`)
    return server.call('PUT', `${crds}/crontabs.stable.example.com`, {
      ...body,
      spec: { ...body.spec, conversion: conversion(caBundle) },
    })
  }
  expect((await put(certificate('MAA='))).status).toBe(200)
  expect(await established()).toEqual(['True', 'InitialNamesAccepted'])
  const broken = await put(certificate('MAMAAA=='))
  expect([broken.status, broken.body.details.causes[0].field]).toEqual([
    422,
    'spec.conversion.webhookClientConfig.caBundle',
  ])
})
