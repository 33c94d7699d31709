import { expect, test } from 'vitest'
import { parseRequest } from './request-info.ts'

test.each(['/%zz', '/healthz/%e0%a4', '/api/v1/namespaces/%zz/pods', '/apis/%/v1/things'])(
  'the address %s, which cannot be decoded, is refused',
  url => {
    expect(() => parseRequest(url)).toThrow('is not URL-encoded')
  },
)
