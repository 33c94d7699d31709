import { expect, test } from 'vitest'
import { wholeName } from './image-reference.ts'

const digest = `sha256:${'a'.repeat(64)}`

test.each([
  ['busybox', 'docker.io/library/busybox:latest'],
  ['me/app:1', 'docker.io/me/app:1'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['r.io/a/b:v1', 'r.io/a/b:v1'],
  [`r.io/a/b:v1@${digest}`, `r.io/a/b@${digest}`],
  [`busybox@${digest}`, `docker.io/library/busybox@${digest}`],
])('the whole name of %s', (image, whole) => {
  expect(wholeName(image)).toBe(whole)
})
