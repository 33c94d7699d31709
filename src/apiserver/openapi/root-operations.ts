import { capital } from '../../base/words.ts'
import { objectTypes } from '../bodies/media-types.ts'
import type { Gvk, Operation } from './operation.ts'
import { groupWord } from './operation-names.ts'

/** A document about paths that are of no resource, with what stands in it. */
export interface RootDocument {
  /** Where /openapi/v3 has it: `version`, `apis/apps`. */
  name: string
  operation: Operation
}

/** What there is besides resources, and what says which resources there are. */
export function rootDocuments(groups: Iterable<string>): RootDocument[] {
  const named = [...groups].filter(group => group !== '').map(groupDocument)
  return [
    document('.well-known/openid-configuration', 'getServiceAccountIssuerOpenIDConfiguration', 'WellKnown', {
      description: 'How tokens of service accounts are verified, as OpenID Connect has it',
      media: ['application/json'],
    }),
    document('api', 'getCoreAPIVersions', 'core', discovery('APIVersions', 'Versions of the core group')),
    document('apis', 'getAPIVersions', 'apis', discovery('APIGroupList', 'All other groups')),
    ...named,
    document('openid/v1/jwks', 'getServiceAccountIssuerOpenIDKeyset', 'openid', {
      description: 'The keys that tokens of service accounts are verified with',
      media: ['application/jwk-set+json'],
    }),
    document('version', 'getCodeVersion', 'version', {
      description: 'What runs here',
      media: ['application/json'],
      answer: 'meta/v1.Info',
    }),
  ]
}

/** The resources of one group version. */
export function resourcesOperation(group: string, version: string): Operation {
  const path = group ? `apis/${group}/${version}` : `api/${version}`
  const word = groupWord(group)
  const id = `get${capital(word)}${capital(version)}APIResources`
  return operationAt(path, id, `${word}_${version}`, discovery('APIResourceList', 'Resources of this version'))
}

function groupDocument(group: string): RootDocument {
  const word = groupWord(group)
  return document(`apis/${group}`, `get${capital(word)}APIGroup`, word, discovery('APIGroup', 'Versions of this group'))
}

type What = Pick<Operation, 'description' | 'media' | 'answer' | 'answerKind'>

function discovery(kind: string, description: string): What {
  const answerKind: Gvk = { group: '', version: 'v1', kind }
  return { description, media: [...objectTypes], answer: `meta/v1.${kind}`, answerKind }
}

const document = (name: string, id: string, tag: string, what: What): RootDocument => ({
  name,
  operation: operationAt(name, id, tag, what),
})

function operationAt(path: string, id: string, tag: string, what: What): Operation {
  return { path: `/${path}/`, method: 'get', id, tag, query: [], also: [], pathParameters: [], custom: false, ...what }
}
