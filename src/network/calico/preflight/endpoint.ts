import { explain } from '../../../base/errors.ts'
import type { Net } from '../../../base/net.ts'
import type { Client } from '../../../client/index.ts'
import { isNotFound } from '../../../models/api-error.ts'
import { apiEndpoint } from '../install/api-endpoint.ts'
import { BadManifest } from '../install/manifest.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const patienceMs = 3_000
const check = 'API for nodes'

/** Whether the address by which nodes are to reach the API, before there are Services, answers from here. */
export async function checkEndpoint(client: Client, net: Net): Promise<Finding> {
  const endpoint = await apiEndpoint(client).catch(error => {
    if (isNotFound(error) || error instanceof BadManifest) return undefined
    throw error
  })
  if (!endpoint)
    return warn(check, 'the Service kubernetes has no endpoint', 'Say where the API is with --api-server HOST:PORT.')
  const { host, port } = endpoint
  try {
    const socket = await net.connect(host, port, { timeoutMs: patienceMs })
    socket.destroy()
    return ok(check, `${host}:${port} answers`)
  } catch (error) {
    return fail(
      check,
      `${host}:${port} does not answer: ${explain(error)}`,
      'Start the server with --listen 0.0.0.0:6443, or say where it is with --api-server.',
    )
  }
}
