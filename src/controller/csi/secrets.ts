import type { Client } from '../../client/client.ts'
import { Secret } from '../../models/kinds/index.ts'
import type { SecretName } from './parameters.ts'

/** The values of a secret as a driver gets them; none without a name. @throws ApiError NotFound */
export async function secretValues(client: Client, name: SecretName | undefined): Promise<Record<string, string>> {
  if (!name) return {}
  const { data = {} } = await client.get(Secret, name)
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}
