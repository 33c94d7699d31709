import { expect, test } from 'vitest'
import { registryOf } from '../image-reference.ts'
import { explainPull } from './pull-error.ts'

test.each([
  [
    'reg:5000/a:1',
    'failed to pull and unpack image "reg:5000/a:1": failed to resolve reference "reg:5000/a:1": reg:5000/a:1: not found',
    'cannot pull image reg:5000/a:1: registry reg:5000 has no such image (not found)',
  ],
  [
    'reg:5000/a:1',
    'failed to pull and unpack image "reg:5000/a:1": failed to resolve reference "reg:5000/a:1": failed to do request: Head "https://reg:5000/v2/a/manifests/1": dial tcp 10.0.0.1:5000: connect: connection refused',
    'cannot pull image reg:5000/a:1: registry reg:5000 does not answer (Head "https://reg:5000/v2/a/manifests/1": dial tcp 10.0.0.1:5000: connect: connection refused)',
  ],
  [
    'nginx',
    'failed to do request: Head "http://10.0.0.9:5000/v2/library/nginx/manifests/latest?ns=docker.io": dial tcp 10.0.0.9:5000: connect: connection refused',
    'cannot pull image nginx: registry docker.io does not answer at http://10.0.0.9:5000 (Head "http://10.0.0.9:5000/v2/library/nginx/manifests/latest?ns=docker.io": dial tcp 10.0.0.9:5000: connect: connection refused)',
  ],
  [
    '127.0.0.1:42940/a:1',
    'failed to resolve reference "127.0.0.1:42940/a:1": 127.0.0.1:42940/a:1: not found',
    'cannot pull image 127.0.0.1:42940/a:1: registry 127.0.0.1:42940 has no such image (not found)',
  ],
  [
    'a/b:429',
    'failed to copy: httpReadSeeker: failed open: unexpected status code https://reg/v2/a/b/blobs/sha256:403401: 429 Too Many Requests',
    'cannot pull image a/b:429: registry docker.io has had too many requests from here (httpReadSeeker: failed open: unexpected status code https://reg/v2/a/b/blobs/sha256:403401: 429 Too Many Requests)',
  ],
  [
    'nginx',
    'failed to resolve reference "docker.io/library/nginx:latest": failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/latest": dial tcp: lookup registry-1.docker.io: no such host',
    'cannot pull image nginx: registry docker.io has no address (Head "https://registry-1.docker.io/v2/library/nginx/manifests/latest": dial tcp: lookup registry-1.docker.io: no such host)',
  ],
  [
    'ghcr.io/x/y:1',
    'failed to resolve reference "ghcr.io/x/y:1": failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized',
    'cannot pull image ghcr.io/x/y:1: registry ghcr.io wants a login, or refused the one given (failed to authorize: unexpected status: 401 Unauthorized)',
  ],
  [
    'a/b',
    'write /x: no space left on device',
    'cannot pull image a/b: the disk of this node is full (write /x: no space left on device)',
  ],
  ['a/b', 'something new', 'cannot pull image a/b: something new'],
])('of %s the runtime said %j', (image, details, message) => {
  expect(explainPull(image, details).message).toBe(message)
})

test('the registry of an image is its first part where that looks like a host', () => {
  expect(['nginx', 'library/nginx', 'ghcr.io/a/b', 'localhost/a', '127.0.0.1:5000/a:1'].map(registryOf)).toEqual([
    'docker.io',
    'docker.io',
    'ghcr.io',
    'localhost',
    '127.0.0.1:5000',
  ])
})
